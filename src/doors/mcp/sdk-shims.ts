// Takes the place of the SDK's own shims in the bundle (scripts/build.ts): ours are zod schemas, so the 270 KB of its JSON
// Schema validator would be loaded at every start and never used. Asking for it is a mistake of ours, and says so.

export const process = globalThis.process;

export class DefaultJsonSchemaValidator {
  getValidator(): never {
    throw new TypeError('schemas of this server are zod schemas');
  }
}
