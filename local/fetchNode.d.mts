export declare const NODE: string;
export declare const HASHES: Record<string, Record<string, string>>;
export declare function nodeInstall(
  folder: string,
  hashes?: Record<string, Record<string, string>>,
): { node: string; args: string[] };
