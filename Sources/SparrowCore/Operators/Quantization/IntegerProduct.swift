/// ONNX MatMulInteger and QLinearMatMul: matrix products of 8-bit integers less their zero points.
///
/// MatMulInteger: A, B, A's zero point?, B's zero point?; the int32 sums.
/// QLinearMatMul: a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point; the
/// sums times a_scale * b_scale / y_scale, quantised.
///
/// Scales and zero points are one for all, or one for each row of A `[M]`, `[..,M,1]` and each column
/// of B `[N]`, `[..,1,N]`.
public struct IntegerProduct: Operator {
  /// Whether the result is quantised.
  public var isQuantized: Bool

  public init(isQuantized: Bool = false) { self.isQuantized = isQuantized }
  public var name: String { isQuantized ? "QLinearMatMul" : "MatMulInteger" }
  public static var variants: [Self] { [Self(), Self(isQuantized: true)] }
  public var inputCount: ClosedRange<Int> { isQuantized ? 8...8 : 2...4 }

  /// Where the operands are among the inputs; scales of MatMulInteger are nowhere.
  private var places: (b: Int, aZero: Int, bZero: Int) { isQuantized ? (3, 2, 5) : (1, 2, 3) }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    var inputs: [InferenceContext.Input?] = []
    for i in [0, places.b] {
      let type = try context.type(i)
      guard type.dtype == .int8 || type.dtype == .uint8 else {
        throw InferenceError("input \(i) is \(type.dtype.name), expected i8 or u8")
      }
      inputs.append(InferenceContext.Input(type: TensorType(.int32, type.dimensions)))
    }
    let product = try MatMul().inferTypes(InferenceContext(inputs: inputs, outputCount: 1))[0]
    guard isQuantized else { return [product] }
    let dtype = try context.type(7).dtype
    guard dtype.quantizedRange != nil else {
      throw InferenceError("y_zero_point is \(dtype.name), expected i8 or u8")
    }
    return [TensorType(dtype, product.dimensions)]
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let type: TensorType
    do throws(InferenceError) {
      type = try inferTypes(x.context)[0]
    } catch {
      throw ComputeError(error)
    }
    guard let shape = type.shape else { throw ComputeError("the shapes are not known") }
    let sizes = BatchedProduct(try x.shape(0), try x.shape(places.b), shape)
    var (a, b) = (try x.integers(0), try x.integers(places.b))
    let aZero = try sizes.spread(x.optional(places.aZero), isRow: true)
    let bZero = try sizes.spread(x.optional(places.bZero), isRow: false)
    if let aZero { for i in a.indices { a[i] -= Int(aZero[sizes.row(ofA: i)]) } }
    if let bZero { for i in b.indices { b[i] -= Int(bZero[sizes.column(ofB: i)]) } }
    let sums = sizes.multiply(a, b)
    guard isQuantized, let range = type.dtype.quantizedRange else {
      return [Tensor(.int32, shape, integers: sums)]
    }
    guard let aScale = try sizes.spread(x.tensor(1), isRow: true),
      let bScale = try sizes.spread(x.tensor(4), isRow: false)
    else { throw ComputeError("a scale is missing") }
    let (yScale, yZero) = (Float(try x.double(6)), try x.double(7))
    let values = sums.indices.map { i in
      let (row, column) = sizes.scales(ofY: i)
      let factor = Float(aScale[row]) * Float(bScale[column]) / yScale
      return quantized(Double(sums[i]) * Double(factor), zero: yZero, range)
    }
    return [Tensor(type.dtype, shape, doubles: values)]
  }
}

/// The sizes of a product by NumPy's rules: A `[..,M,K]`, B `[..,K,N]`.
private struct BatchedProduct {
  let (m, n, k): (Int, Int, Int)
  private let (aBatch, bBatch, batch): ([Int], [Int], [Int])

  /// Shapes that fit each other.
  init(_ a: [Int], _ b: [Int], _ y: [Int]) {
    m = a.count > 1 ? a[a.count - 2] : 1
    n = b.count > 1 ? b[b.count - 1] : 1
    k = a[a.count - 1]
    aBatch = Array(a.dropLast(2))
    bBatch = Array(b.dropLast(2))
    batch = Array(y.dropLast((a.count > 1 ? 1 : 0) + (b.count > 1 ? 1 : 0)))
  }

  /// One number for every row of every matrix of A, or every column of B's; nil where none is given.
  func spread(_ tensor: Tensor?, isRow: Bool) throws(ComputeError) -> [Double]? {
    guard let tensor else { return nil }
    let length = isRow ? m : n
    let matrices = (isRow ? aBatch : bBatch).elementCount
    let values = tensor.doubles
    if values.count == 1 { return [Double](repeating: values[0], count: matrices * length) }
    if values.count == matrices * length { return values }
    guard values.count == length else {
      throw ComputeError("a scale or zero point has \(values.count) elements, expected \(length)")
    }
    return (0..<(matrices * length)).map { values[$0 % length] }
  }

  func row(ofA i: Int) -> Int { i / Swift.max(k, 1) }

  func column(ofB i: Int) -> Int {
    let (matrix, rest) = i.quotientAndRemainder(dividingBy: Swift.max(k * n, 1))
    return matrix * n + rest % Swift.max(n, 1)
  }

  /// The row of A and the column of B behind an element of the result.
  func scales(ofY i: Int) -> (row: Int, column: Int) {
    let (matrix, rest) = i.quotientAndRemainder(dividingBy: m * n)
    let (a, b) = matrices(matrix)
    return (a * m + rest / n, b * n + rest % n)
  }

  /// The matrices of A and B behind one of the result.
  private func matrices(_ index: Int) -> (Int, Int) {
    (part(index, aBatch), part(index, bBatch))
  }

  private func part(_ index: Int, _ own: [Int]) -> Int {
    var (rest, result, stride) = (index, 0, 1)
    for axis in batch.indices.reversed() {
      let at = rest % batch[axis]
      rest /= batch[axis]
      let place = axis - (batch.count - own.count)
      guard place >= 0 else { continue }
      result += own[place] == 1 ? 0 : at * stride
      stride *= own[place]
    }
    return result
  }

  func multiply(_ a: [Int], _ b: [Int]) -> [Int] {
    var y = [Int](repeating: 0, count: batch.elementCount * m * n)
    for matrix in 0..<batch.elementCount {
      let (left, right) = matrices(matrix)
      for i in 0..<m {
        for step in 0..<k {
          let factor = a[(left * m + i) * k + step]
          if factor == 0 { continue }
          for j in 0..<n {
            y[(matrix * m + i) * n + j] &+= factor &* b[(right * k + step) * n + j]
          }
        }
      }
    }
    return y
  }
}
