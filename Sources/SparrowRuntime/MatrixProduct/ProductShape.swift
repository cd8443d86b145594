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
  /// Element (i, j) of C at `i * cRow + j`.
  let cRow: Int
  /// Start of A, B and C for each matrix of the batch, in elements.
  let aOffsets: [Int]
  let bOffsets: [Int]
  let cOffsets: [Int]

  var batch: Int { aOffsets.count }
  var multiplyAdds: Int { [batch, m, n, k].clampedProduct }

  /// ONNX Gemm.
  init(gemm op: Gemm, a: [Int], b: [Int]) {
    m = op.transposesA ? a[1] : a[0]
    k = op.transposesA ? a[0] : a[1]
    n = op.transposesB ? b[0] : b[1]
    (aRow, aColumn) = op.transposesA ? (1, a[1]) : (a[1], 1)
    (bRow, bColumn) = op.transposesB ? (1, b[1]) : (b[1], 1)
    cRow = n
    aOffsets = [0]
    bOffsets = [0]
    cOffsets = [0]
  }

  /// ONNX MatMul: the last two axes are matrices, the others broadcast. An operand or the result may
  /// have strides of its own, in elements; nil: one element after the other.
  init(
    matMul a: [Int], _ b: [Int], aStrides: [Int]? = nil, bStrides: [Int]? = nil,
    cStrides: [Int]? = nil
  ) {
    let left = a.count == 1 ? [1, a[0]] : a
    let right = b.count == 1 ? [b[0], 1] : b
    k = left[left.count - 1]
    n = right[right.count - 1]
    let outer = Array(left.dropLast(2))
    let inner = Array(right.dropLast(2))
    let leftStrides = aStrides ?? left.rowMajorStrides
    let rightStrides = bStrides ?? right.rowMajorStrides
    (aRow, aColumn) = (leftStrides[outer.count], leftStrides[outer.count + 1])
    (bRow, bColumn) = (rightStrides[inner.count], rightStrides[inner.count + 1])
    if inner.allSatisfy({ $0 == 1 }), aStrides == nil, cStrides == nil {
      // One B for all: the rows of every A form one tall matrix.
      m = outer.reduce(left[left.count - 2], *)
      cRow = n
      aOffsets = [0]
      bOffsets = [0]
      cOffsets = [0]
      return
    }
    m = left[left.count - 2]
    let rank = max(outer.count, inner.count)
    let shapeA = [Int](repeating: 1, count: rank - outer.count) + outer
    let shapeB = [Int](repeating: 1, count: rank - inner.count) + inner
    let shape = (0..<rank).map { shapeA[$0] == 1 ? shapeB[$0] : shapeA[$0] }
    let stridesA = [Int](repeating: 0, count: rank - outer.count) + leftStrides.dropLast(2)
    let stridesB = [Int](repeating: 0, count: rank - inner.count) + rightStrides.dropLast(2)
    let stridesC = cStrides ?? (shape + [m, n]).rowMajorStrides
    let strides = shape.rowMajorStrides
    cRow = stridesC[rank]
    var (offsetsA, offsetsB, offsetsC): ([Int], [Int], [Int]) = ([], [], [])
    for i in 0..<shape.elementCount {
      var (x, y, z) = (0, 0, 0)
      for axis in 0..<rank {
        let index = i / strides[axis] % shape[axis]
        if shapeA[axis] != 1 { x += index * stridesA[axis] }
        if shapeB[axis] != 1 { y += index * stridesB[axis] }
        z += index * stridesC[axis]
      }
      offsetsA.append(x)
      offsetsB.append(y)
      offsetsC.append(z)
    }
    (aOffsets, bOffsets, cOffsets) = (offsetsA, offsetsB, offsetsC)
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
