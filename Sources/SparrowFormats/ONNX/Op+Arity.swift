import SparrowCore

extension Op {
  /// How many inputs a node of this operator has in an ONNX file, optional ones included. What
  /// Sparrow adds (a convolution's addend, a matrix product's bias) does not count.
  var onnxInputs: ClosedRange<Int> {
    switch self {
    case .argExtreme, .cast, .constantOfShape, .flatten, .globalPool, .identity, .pool, .shapeOf,
      .softmax, .transpose, .unary:
      1...1
    case .binary, .expand, .gather, .gatherND, .matMul, .reshape, .unsqueeze: 2...2
    case .range, .where: 3...3
    case .batchNormalization: 5...5
    case .reduce, .split, .squeeze: 1...2
    case .clip: 1...3
    case .conv, .convTranspose, .gemm, .layerNormalization: 2...3
    case .pad: 2...4
    case .resize: 1...4
    case .slice: 3...5
    case .concat: 1...ONNXLimits.nodeValues
    }
  }
}
