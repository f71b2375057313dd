// What a value is made of, when part of it is the secret: those parts are looked for alone.

/** Whether the value is an address, or JSON: most of it is no secret. */
export function isStructured(value: Buffer): boolean {
  const first = value[0];
  return first === 0x7b || first === 0x5b || value.subarray(0, 64).includes('://');
}

/** Parts of the value that are secrets by themselves, as copies. */
export function derivedFrom(_value: Buffer): Buffer[] {
  return [];
}
