/** An error that the user can solve. It is printed as one line, without a stack. */
export class UserError extends Error {
  override name = "UserError";
}
