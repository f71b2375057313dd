// When a mounted file was changed, as far as anybody can see: whenever one file takes the place of another, it says the
// same. Watchers of files (chokidar, and so Vite and nodemon) go by that time: a dev server that reads `.env` and watches it
// would otherwise start again at every reading, for ever.

import { futimesSync } from 'node:fs';

/** Of the daemon; in milliseconds, since a float of seconds gives back other nanoseconds on some systems. */
const CHANGED_AT = new Date();
/** Later than the change: chokidar takes a file whose last reading is not later for one that was just written. */
const READ_AT = new Date(CHANGED_AT.getTime() + 1_000);

/** Sets both times of an open file. To be called before anybody can know its path. Throws what the file system throws. */
export function steadyTimes(fd: number): void {
  futimesSync(fd, READ_AT, CHANGED_AT);
}
