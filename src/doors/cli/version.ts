// The version of this build: esbuild puts that of package.json in its place.

declare const KEYSTILE_VERSION: string | undefined;

export const VERSION = typeof KEYSTILE_VERSION === 'string' ? KEYSTILE_VERSION : '0.0.0-source';
