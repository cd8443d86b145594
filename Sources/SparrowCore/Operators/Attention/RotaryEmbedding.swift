/// ONNX RotaryEmbedding: turns pairs of elements of every head by angles of their position.
///
/// Inputs: x `[B,N,L,D]` or `[B,L,N*D]`, cos and sin `[positions, R/2]` with position_ids? `[B,L]`
/// (int64), or `[B,L,R/2]` without. The first R elements of a head turn, the others stay; pairs are
/// (i, i + R/2), or neighbours where ``isInterleaved``.
public struct RotaryEmbedding: Operator {
  public var isInterleaved = false
  /// For x of rank 3.
  public var heads: Int?
  /// R; 0: all elements of a head.
  public var rotated = 0

  public init() {}
  public var name: String { "RotaryEmbedding" }
  public static var variants: [Self] { [Self()] }
  public var inputCount: ClosedRange<Int> { 3...4 }
  public var opset: Int { 23 }

  public mutating func visit<V: AttributeVisitor>(_ visitor: inout V) throws(V.Failure) {
    try visitor.visit("interleaved", &isInterleaved)
    try visitor.visit("num_heads", &heads)
    try visitor.visit("rotary_embedding_dim", &rotated)
  }

  public func inferTypes(_ context: InferenceContext) throws(InferenceError) -> [TensorType] {
    let x = try context.type(0)
    if let shape = x.shape { _ = try geometry(shape) }
    let rank = context.has(3) ? 2 : 3
    for i in 1...2 {
      try ShapeRules.require(rank: try context.dimensions(i), rank...rank, "input \(i)")
    }
    return [x]
  }

  /// The sizes for x of a shape.
  public struct Geometry {
    public var (batch, length, heads, size, rotated): (Int, Int, Int, Int, Int)
    /// Elements from one head to the next, and from one position to the next.
    public var (headStride, positionStride): (Int, Int)
  }

  public func geometry(_ shape: [Int]) throws(InferenceError) -> Geometry {
    guard shape.count == 3 || shape.count == 4 else {
      throw InferenceError("x has rank \(shape.count), expected 3 or 4")
    }
    let isFlat = shape.count == 3
    let heads = isFlat ? self.heads ?? 0 : shape[1]
    guard heads > 0 || shape.contains(0), !isFlat || heads > 0 else {
      throw InferenceError("num_heads must be given for x of rank 3")
    }
    let size = isFlat ? shape[2] / heads : shape[3]
    let rotated = self.rotated == 0 ? size : self.rotated
    guard !isFlat || size * heads == shape[2], rotated >= 0, rotated <= size, rotated % 2 == 0
    else {
      throw InferenceError("\(rotated) elements of a head of \(size) cannot turn in pairs")
    }
    let length = isFlat ? shape[1] : shape[2]
    return Geometry(
      batch: shape[0], length: length, heads: heads, size: size, rotated: rotated,
      headStride: isFlat ? size : length * size, positionStride: isFlat ? heads * size : size)
  }

  public func compute(_ x: Operands) throws(ComputeError) -> [Tensor] {
    let tensor = try x.tensor(0)
    let (cosines, sines) = (try x.doubles(1), try x.doubles(2))
    let g: Geometry
    do throws(InferenceError) {
      _ = try inferTypes(x.context)
      g = try geometry(tensor.shape)
    } catch {
      throw ComputeError(error)
    }
    let half = g.rotated / 2
    let rows = try rows(x, g, half)
    var values = tensor.doubles
    let source = values
    for b in 0..<g.batch {
      for t in 0..<g.length {
        let row = rows[b * g.length + t] * half
        for h in 0..<g.heads {
          let first = b * g.heads * g.length * g.size + t * g.positionStride + h * g.headStride
          for i in 0..<half {
            let (p, q) = isInterleaved ? (2 * i, 2 * i + 1) : (i, i + half)
            let (u, v) = (source[first + p], source[first + q])
            values[first + p] = cosines[row + i] * u - sines[row + i] * v
            values[first + q] = sines[row + i] * u + cosines[row + i] * v
          }
        }
      }
    }
    return [Tensor(tensor.dtype, tensor.shape, doubles: values)]
  }

  /// The row of the tables for each item and position.
  private func rows(_ x: Operands, _ g: Geometry, _ half: Int) throws(ComputeError) -> [Int] {
    let (cosines, sines) = (try x.tensor(1), try x.tensor(2))
    let count = g.batch * g.length
    guard cosines.shape == sines.shape, cosines.shape.last == half else {
      throw ComputeError("the tables are not alike, or their rows do not have \(half) elements")
    }
    guard x.has(3) else {
      guard cosines.count == count * half else {
        throw ComputeError("the tables have \(cosines.count) elements, expected \(count * half)")
      }
      return Array(0..<count)
    }
    let positions = try x.integers(3)
    guard positions.count == count else {
      throw ComputeError("there are \(positions.count) positions, expected \(count)")
    }
    for position in positions where position < 0 || position >= cosines.shape[0] {
      throw ComputeError("position \(position) is not in a table of \(cosines.shape[0])")
    }
    return positions
  }
}
