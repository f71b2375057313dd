// A look at the system that takes a while and that many ask for at once.

/** Those who ask while a look is under way share the next one: one that runs already may have missed what they saw. */
export class Lookout<T> {
  readonly #lookOnce: () => Promise<T>;
  #running: Promise<T> | null = null;
  #next: Promise<T> | null = null;

  constructor(lookOnce: () => Promise<T>) {
    this.#lookOnce = lookOnce;
  }

  /** What a look sees that begins after this call. Rejects as that look does. */
  async look(): Promise<T> {
    if (this.#running === null) return await this.#start();
    this.#next ??= this.#running.then(
      async () => await this.#start(),
      async () => await this.#start(),
    );
    return await this.#next;
  }

  async #start(): Promise<T> {
    const running = this.#lookOnce();
    this.#running = running;
    this.#next = null;
    try {
      return await running;
    } finally {
      if (this.#running === running) this.#running = null;
    }
  }
}
