/** The generated client names a DOM type that @types/node does not declare globally. */
type BodyInit = NonNullable<RequestInit['body']>;
