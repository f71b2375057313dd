// Loaded before the tests for each mutant: a law is tried for a moment only, with the same inputs each time, and one that is
// broken is not made short. Where failures are looked for without a mutant, for longer: more than any mutant sees.

import fc from 'fast-check';

const LAW_MS = 400;
const LAW_MS_UNCHANGED = 2_000;
const SEED = 1;

const isUnchanged = process.env['KEYSTILE_ALL_FAILURES'] !== undefined;
fc.configureGlobal({
  seed: SEED,
  interruptAfterTimeLimit: isUnchanged ? LAW_MS_UNCHANGED : LAW_MS,
  endOnFailure: true,
});
