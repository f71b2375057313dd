// Waiting for something to happen, where what happened is looked up afterwards.

export class Bell {
  #isRung = false;
  #wake: (() => void) | null = null;

  /** A ring while nobody waits is kept for the next wait. */
  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /** Until it rings, or `ms` have passed. */
  async wait(ms: number): Promise<void> {
    if (!this.#isRung) {
      await new Promise<void>((settle) => {
        const timer = setTimeout(settle, ms);
        this.#wake = () => {
          clearTimeout(timer);
          settle();
        };
      });
    }
    this.#wake = null;
    this.#isRung = false;
  }
}
