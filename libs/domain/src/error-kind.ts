/**
 * A row of the one table of failures. `http`: the status an entrance answers with. `retry`: repeating the same act later can help without a
 * person. `cause` and `remedy` are shown to people; the Russian texts are in error-texts-ru.ts.
 */
export interface ErrorKind {
  readonly http: number;
  readonly retry: boolean;
  readonly cause: string;
  readonly remedy: string;
}
