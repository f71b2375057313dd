// A runner in a process where something adds to Object.prototype before a job comes.

import '../../src/delivery/runner.ts';

const prototype: object = Object.prototype;
Object.assign(prototype, { NODE_OPTIONS: '--require /nonexistent', EVIL: '1', shell: '/bin/false', uid: 12_345 });
