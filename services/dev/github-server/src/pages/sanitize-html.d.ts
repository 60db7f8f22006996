/** The package has no types of its own; what we use of it. */
declare module 'sanitize-html' {
  interface Options {
    readonly allowedTags: readonly string[];
    readonly allowedAttributes: Readonly<Record<string, readonly string[]>>;
    readonly allowedSchemes: readonly string[];
    readonly disallowedTagsMode?: 'discard' | 'escape';
  }
  export default function sanitizeHtml(dirty: string, options: Options): string;
}
