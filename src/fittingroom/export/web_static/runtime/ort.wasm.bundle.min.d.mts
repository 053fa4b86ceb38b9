// What the page uses of ONNX Runtime Web, for the type checker alone.
export const env: any;
export const InferenceSession: any;
export class Tensor {
  constructor(type: string, data: Uint8Array, dims: number[]);
}
