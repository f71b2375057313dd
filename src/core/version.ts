// Which version this is. A test keeps it the same as package.json.

export const VERSION = '0.4.0';
