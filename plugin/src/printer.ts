/** placeholder */
export type ImportSymbol = { readonly name: string; readonly from: string; readonly typeOnly: boolean };
export type Printable = string | ImportSymbol | readonly Printable[];
