/** Knuth's multiplicative hash (The Art of Computer Programming 3, 6.4): the upper bits of the 32-bit product are the hash. */
export const HASH = 0x9e37_79b1;
