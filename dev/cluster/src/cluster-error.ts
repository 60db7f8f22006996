/** A cause a person can act on; printed without a stack. */
export class ClusterError extends Error {
  readonly remedy: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ClusterError';
    this.remedy = remedy;
  }
}
