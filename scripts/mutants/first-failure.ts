// A reporter of node:test for which the first failure is enough: the mutant is dead. It prints whose failure it was; with
// KEYSTILE_ALL_FAILURES set it goes on to the next.

interface Event {
  readonly type: string;
  readonly data: { readonly name?: string; readonly details?: { readonly error?: { readonly failureType?: string } } };
}

// oxlint-disable-next-line import/no-default-export -- how node:test is given a reporter
export default async function* firstFailure(events: AsyncIterable<Event>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    // A suite, or a test with tests in it, fails because one of those did.
    if (type !== 'test:fail' || data.details?.error?.failureType === 'subtestsFailed') continue;
    yield `${data.name ?? ''}\n`;
    if (process.env['KEYSTILE_ALL_FAILURES'] === undefined) process.exit(1);
  }
}
