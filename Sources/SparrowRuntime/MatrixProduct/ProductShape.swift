import SparrowCore

/// A (batched) matrix product C = A B of concrete shapes, with strides that express transposes.
struct ProductShape {
  let m: Int
  let n: Int
  let k: Int
  /// Element (i, k) of A at `i * aRow + k * aColumn`.
  let aRow: Int
  let aColumn: Int
  /// Element (k, j) of B at `k * bRow + j * bColumn`.
  let bRow: Int
  let bColumn: Int
  /// Start of A and of B for each matrix of the batch, in elements.
  let aOffsets: [Int]
  let bOffsets: [Int]

  var batch: Int { aOffsets.count }
  var multiplyAdds: Int { batch * m * n * k }

  /// ONNX Gemm.
  init(gemm op: Gemm, a: [Int], b: [Int]) {
    m = op.transposesA ? a[1] : a[0]
    k = op.transposesA ? a[0] : a[1]
    n = op.transposesB ? b[0] : b[1]
    (aRow, aColumn) = op.transposesA ? (1, a[1]) : (a[1], 1)
    (bRow, bColumn) = op.transposesB ? (1, b[1]) : (b[1], 1)
    aOffsets = [0]
    bOffsets = [0]
  }

  /// ONNX MatMul: the last two axes are matrices, the others broadcast.
  init(matMul a: [Int], _ b: [Int]) {
    let left = a.count == 1 ? [1, a[0]] : a
    let right = b.count == 1 ? [b[0], 1] : b
    k = left[left.count - 1]
    n = right[right.count - 1]
    let outer = Array(left.dropLast(2))
    let inner = Array(right.dropLast(2))
    (aRow, aColumn) = (k, 1)
    (bRow, bColumn) = (n, 1)
    if inner.allSatisfy({ $0 == 1 }) {
      // One B for all: the rows of every A form one tall matrix.
      m = outer.reduce(left[left.count - 2], *)
      aOffsets = [0]
      bOffsets = [0]
      return
    }
    m = left[left.count - 2]
    let rank = max(outer.count, inner.count)
    let shapeA = [Int](repeating: 1, count: rank - outer.count) + outer
    let shapeB = [Int](repeating: 1, count: rank - inner.count) + inner
    let shape = (0..<rank).map { shapeA[$0] == 1 ? shapeB[$0] : shapeA[$0] }
    let (stridesA, stridesB) = (shapeA.rowMajorStrides, shapeB.rowMajorStrides)
    let strides = shape.rowMajorStrides
    var offsetsA: [Int] = []
    var offsetsB: [Int] = []
    for i in 0..<shape.elementCount {
      var (x, y) = (0, 0)
      for axis in 0..<rank {
        let index = i / strides[axis] % shape[axis]
        if shapeA[axis] != 1 { x += index * stridesA[axis] }
        if shapeB[axis] != 1 { y += index * stridesB[axis] }
      }
      offsetsA.append(x * m * k)
      offsetsB.append(y * k * n)
    }
    (aOffsets, bOffsets) = (offsetsA, offsetsB)
  }
}

/// Where a product's operands are.
struct ProductOperands {
  let a: Slot
  let c: Slot
  /// A vector of n added to every row.
  let bias: Slot?
  /// A matrix of C's shape, added.
  let addend: Slot?
}
