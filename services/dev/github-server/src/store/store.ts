import { openDocuments, type Collection, type Documents } from './documents.ts';
import type * as r from './records.ts';

/** The collections, each with what its documents belong to (`parent`) and are called there (`name`). */
export interface Store {
  readonly users: Collection<r.UserRecord>; // '' / login, lower case
  readonly tokens: Collection<r.TokenRecord>; // '' / hash
  readonly repositories: Collection<r.RepositoryRecord>; // '' / owner/name, lower case
  readonly labels: Collection<r.LabelRecord>; // repository / name, lower case
  readonly issues: Collection<r.IssueRecord>; // repository / number
  readonly comments: Collection<r.CommentRecord>; // issue
  readonly issueEvents: Collection<r.IssueEventRecord>; // issue
  readonly reactions: Collection<r.ReactionRecord>; // subject / user:content
  readonly reviews: Collection<r.ReviewRecord>; // issue
  readonly reviewComments: Collection<r.ReviewCommentRecord>; // issue
  readonly statuses: Collection<r.StatusRecord>; // repository:sha
  readonly checkRuns: Collection<r.CheckRunRecord>; // repository:sha
  readonly hooks: Collection<r.HookRecord>; // repository
  readonly deliveries: Collection<r.DeliveryRecord>; // hook
  readonly protections: Collection<r.ProtectionRecord>; // repository / branch
  readonly environments: Collection<r.EnvironmentRecord>; // repository / name, lower case
  readonly variables: Collection<r.VariableRecord>; // scope / name
  readonly secrets: Collection<r.SecretRecord>; // scope / name
  readonly sealingKeys: Collection<r.SealingKeyRecord>; // '' / scope
  readonly oauthApps: Collection<r.OauthAppRecord>; // '' / client id
  readonly oauthCodes: Collection<r.OauthCodeRecord>; // '' / hash of the code
  readonly sessions: Collection<r.SessionRecord>; // '' / hash of the cookie
  readonly transaction: Documents['transaction'];
  readonly close: () => void;
}

export function openStore(path: string): Store {
  const documents = openDocuments(path);
  const { collection } = documents;
  return {
    users: collection('user'),
    tokens: collection('token'),
    repositories: collection('repository'),
    labels: collection('label'),
    issues: collection('issue'),
    comments: collection('comment'),
    issueEvents: collection('issue_event'),
    reactions: collection('reaction'),
    reviews: collection('review'),
    reviewComments: collection('review_comment'),
    statuses: collection('status'),
    checkRuns: collection('check_run'),
    hooks: collection('hook'),
    deliveries: collection('delivery'),
    protections: collection('protection'),
    environments: collection('environment'),
    variables: collection('variable'),
    secrets: collection('secret'),
    sealingKeys: collection('sealing_key'),
    oauthApps: collection('oauth_app'),
    oauthCodes: collection('oauth_code'),
    sessions: collection('session'),
    transaction: documents.transaction,
    close: documents.close,
  };
}
