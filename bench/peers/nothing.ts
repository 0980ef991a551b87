// The handler of the measurement "as deployed": it does nothing, like that of every other system.
export default async function handle(): Promise<void> {}
