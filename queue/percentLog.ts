/** Logs how much is done, from 0 to 1: `40 %`, once for each percent. */
export function percentLog(log: (line: string) => void): (share: number) => void {
  let last: number | undefined;
  return (share) => {
    const percent = Math.floor(Math.min(1, Math.max(0, share)) * 100);
    if (percent !== last) log(`${percent} %`);
    last = percent;
  };
}
