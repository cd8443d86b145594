import SparrowCore

/// Axes that several strided operands walk together, in the making.
struct StridedAxes {
  var counts: [Int]
  /// In elements: `strides[operand][axis]`.
  var strides: [[Int]]

  /// Drops axes of length 1 and joins neighbours that every operand walks as one.
  func collapsed() -> StridedAxes {
    var result = StridedAxes(counts: [], strides: strides.map { _ in [] })
    for axis in counts.indices where counts[axis] != 1 {
      let joins =
        !result.counts.isEmpty
        && strides.indices.allSatisfy { k in
          result.strides[k].last == strides[k][axis] * counts[axis]
        }
      if joins {
        result.counts[result.counts.count - 1] *= counts[axis]
        for k in strides.indices {
          result.strides[k][result.counts.count - 1] = strides[k][axis]
        }
      } else {
        result.counts.append(counts[axis])
        for k in strides.indices { result.strides[k].append(strides[k][axis]) }
      }
    }
    return result
  }

  /// Takes one axis out: its length, and its stride for each operand; 1 and zeros without any axis.
  mutating func remove(axis: Int?) -> (count: Int, strides: [Int]) {
    guard let axis, counts.indices.contains(axis) else { return (1, strides.map { _ in 0 }) }
    let count = counts.remove(at: axis)
    return (count, strides.indices.map { strides[$0].remove(at: axis) })
  }
}

/// Nested loops over up to three strided operands, numbered 0 ..< ``count`` with the last axis
/// running fastest.
struct LoopNest {
  struct Offsets {
    var a = 0
    var b = 0
    var c = 0
  }

  let count: Int
  private let rank: Int
  /// For each axis from the last to the first: its length and three strides.
  private let axes: LookupTable<Int>

  init(_ nest: StridedAxes) {
    precondition(nest.strides.count <= 3)
    var entries: [Int] = []
    for axis in nest.counts.indices.reversed() {
      entries.append(nest.counts[axis])
      for k in 0..<3 { entries.append(k < nest.strides.count ? nest.strides[k][axis] : 0) }
    }
    (rank, count, axes) = (nest.counts.count, nest.counts.elementCount, LookupTable(entries))
  }

  /// Where each operand is in iteration `index`, in elements from its start.
  @inline(__always)
  func offsets(_ index: Int) -> Offsets {
    var rest = index
    var result = Offsets()
    var axis = axes.base
    for _ in 0..<rank {
      let (quotient, i) = rest.quotientAndRemainder(dividingBy: axis[0])
      result.a += i * axis[1]
      result.b += i * axis[2]
      result.c += i * axis[3]
      rest = quotient
      axis += 4
    }
    return result
  }
}

extension Array where Element == Int {
  /// This shape's row-major strides seen under the broadcast shape `target`: 0 along the axes that
  /// repeat.
  func broadcastStrides(to target: [Int]) -> [Int] {
    let own = rowMajorStrides
    let missing = target.count - count
    return target.indices.map { i in
      i < missing || self[i - missing] == 1 ? 0 : own[i - missing]
    }
  }
}
