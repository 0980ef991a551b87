// The handler of the measurement "as deployed": nothing, as that of every peer.
export default async function handle(): Promise<void> {}
