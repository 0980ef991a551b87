/** Something the person at the keyboard can act on: one line that says what is wrong, where, and what to do. */
export class Trouble extends Error {
  override name = "Trouble";
}
