import SparrowCore

/// N kept of every M neighbouring inputs of one output at one position.
///
/// The last, incomplete group of r inputs keeps at most N: all of them when r is N or less. So the
/// pattern sets each layer's sparsity itself.
public struct NMPattern: Pattern {
  public let kept: Int
  public let group: Int

  /// 1 <= kept < group <= 64.
  public init(kept: Int, of group: Int) {
    precondition(kept >= 1 && kept < group && group <= Self.largestGroup)
    (self.kept, self.group) = (kept, group)
  }

  static var largestGroup: Int { 64 }

  public var name: String { "\(kept):\(group)" }

  /// The sparsity of whole groups.
  public var sparsity: Double { 1 - Double(kept) / Double(group) }

  public func fixedDropCount(in view: WeightView) -> Int? {
    let whole = view.inputs / group * (group - kept)
    let rest = max(0, view.inputs % group - kept)
    return (whole + rest) * view.outputs * view.positions
  }

  public func units(of scores: Scores, view: WeightView) -> UnitScores {
    UnitScores(scores: scores)
  }

  public func mask(
    _ units: UnitScores, view: WeightView, dropping dropCount: Int
  ) -> WeightMask {
    let bits = Bytes(count: (view.count + 7) / 8) { target in
      for i in target.indices { target[i] = 0 }
      units.scores.withKeys { keys in
        for output in 0..<view.outputs {
          for first in stride(from: 0, to: view.inputs, by: group) {
            let count = min(group, view.inputs - first)
            for position in 0..<view.positions {
              let start = view.element(output: output, input: first, position: position)
              keepLargest(keys, start, view.inputStride, count, target)
            }
          }
        }
      }
    }
    return WeightMask(bits: bits, count: view.count)
  }

  /// Sets the bits of one group's largest keys: an element stays when fewer than `kept` others are
  /// larger, or equal and later.
  @inline(__always)
  private func keepLargest(
    _ keys: Keys, _ start: Int, _ stride: Int, _ count: Int,
    _ target: UnsafeMutableRawBufferPointer
  ) {
    for i in 0..<count {
      let key = keys[start + i * stride]
      var larger = 0
      for j in 0..<i where keys[start + j * stride] > key { larger += 1 }
      for j in (i + 1)..<count where keys[start + j * stride] >= key { larger += 1 }
      guard larger < kept else { continue }
      let element = start + i * stride
      target[element >> 3] |= 1 << UInt8(element & 7)
    }
  }
}
