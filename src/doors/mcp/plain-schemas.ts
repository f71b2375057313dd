// Imported before anything makes a schema. zod would write a program for each and compile it with `new Function` at its
// first use: most schemas of a server are used once, and a process that makes no code from strings is easier to trust.

import * as z from 'zod';

z.config({ jitless: true });
