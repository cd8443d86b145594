import SparrowCore

/// How much each element of something matters: float32 values of which only the magnitude counts.
///
/// The magnitude's bit pattern, the *key*, orders as the magnitude does, so selections work on keys
/// and never compare floats. NaN ranks above infinity: it is dropped last.
public struct Scores: Sendable {
  /// `count` float32 values of any alignment; often a weight's own bytes.
  public let bytes: Bytes
  public let count: Int

  /// Scores kept as they are; `bytes.count` must be a multiple of 4.
  public init(bytes: Bytes) {
    precondition(bytes.count % 4 == 0)
    (self.bytes, count) = (bytes, bytes.count / 4)
  }

  public init(_ scores: [Float]) { self.init(bytes: Bytes(copying: scores)) }

  /// A weight's values; float32 ones are not copied, others are rounded to float32.
  public init(magnitudesOf weight: Tensor) {
    if weight.dtype == .float32, let bytes = weight.dense().denseBytes {
      self.init(bytes: bytes)
    } else {
      self.init(weight.floats ?? [])
    }
  }

  /// The scores' ordered bit patterns, readable inside `body`.
  @inline(__always)
  func withKeys<R>(_ body: (Keys) -> R) -> R {
    withExtendedLifetime(bytes) { body(Keys(pointer: bytes.pointer)) }
  }

  /// Score `i`, not negative.
  public subscript(i: Int) -> Float { withKeys { Float(bitPattern: $0[i]) } }
}

/// Scores as ordered bit patterns; see ``Scores/withKeys(_:)``.
struct Keys {
  let pointer: UnsafeRawPointer

  @inline(__always)
  subscript(i: Int) -> UInt32 {
    pointer.loadUnaligned(fromByteOffset: i * 4, as: UInt32.self) & 0x7fff_ffff
  }
}

/// The scores of a layer's units: what is kept or dropped as a whole.
public struct UnitScores: Sendable {
  /// One score a unit.
  public var scores: Scores
  /// The number of weights in each unit; nil when every unit is one weight.
  public var sizes: [Int32]?

  public init(scores: Scores, sizes: [Int32]? = nil) {
    precondition(sizes == nil || sizes?.count == scores.count)
    (self.scores, self.sizes) = (scores, sizes)
  }

  public var count: Int { scores.count }

  /// The number of weights in all units.
  public var weightCount: Int { sizes?.reduce(0) { $0 + Int($1) } ?? count }
}
