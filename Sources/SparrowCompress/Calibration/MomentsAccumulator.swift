import SparrowCore
import SparrowPasses

/// Adds up a layer's ``LayerMoments`` batch by batch, on all cores.
///
/// Columns of inputs are gathered into a panel of float64, and each full panel is added by one
/// symmetric rank-k update. Workers take fixed shares of the positions (or of the groups), so the sums
/// do not depend on who is faster.
final class MomentsAccumulator {
  let geometry: LayerGeometry
  private var parts: [[GroupMoments]]
  /// Of the batches that are held out, while others are learned from; empty before the first.
  private var heldParts: [[GroupMoments]] = []
  /// Whether the inputs' own products are complete.
  private var hasInputs = false

  /// Columns of a panel: enough for the update to run near its peak.
  private static var panelLength: Int { 384 }

  init(_ geometry: LayerGeometry) {
    self.geometry = geometry
    parts = Self.none(geometry)
  }

  /// A set of sums for each worker, all 0.
  private static func none(_ geometry: LayerGeometry) -> [[GroupMoments]] {
    let empty = GroupMoments(columns: geometry.columns, outputs: geometry.outputs)
    let all = [GroupMoments](repeating: empty, count: geometry.groups)
    return geometry.groups > 1 ? [all] : (0..<Parallel.workers).map { _ in all }
  }

  /// Begins the sums of wanted outputs anew; those of inputs stay, and batches added from now on are
  /// taken for the same ones.
  func restartTargets() {
    hasInputs = true
    restartTargets(&parts)
    restartTargets(&heldParts)
  }

  private func restartTargets(_ parts: inout [[GroupMoments]]) {
    for i in parts.indices {
      for g in parts[i].indices {
        parts[i][g].targets = Matrix(rows: geometry.outputs, columns: geometry.columns + 1)
        parts[i][g].targetSquares = [Double](repeating: 0, count: geometry.outputs)
      }
    }
  }

  /// Adds a batch: inputs as the layer reads them, and the outputs it ought to give. Those that are
  /// held out are summed up apart.
  func add(inputs: Tensor, targets: Tensor, isHeld: Bool = false) {
    guard isHeld else { return add(inputs, targets, to: &parts) }
    if heldParts.isEmpty { heldParts = Self.none(geometry) }
    add(inputs, targets, to: &heldParts)
  }

  private func add(_ inputs: Tensor, _ targets: Tensor, to parts: inout [[GroupMoments]]) {
    let (geometry, isKnown) = (self.geometry, hasInputs)
    inputs.withElements(of: Float.self) { x in
      targets.withElements(of: Float.self) { y in
        nonisolated(unsafe) let (x, y) = (x, y)
        if geometry.groups > 1 {
          let before = parts[0]
          parts[0] = Parallel.map(geometry.groups) { g in
            var sums = before[g]
            Self.add(geometry, x, y, group: g, share: 0, of: 1, isKnown, to: &sums)
            return sums
          }
        } else {
          // Moved out and in again, so that sums are changed in place and not copied.
          let count = parts.count
          nonisolated(unsafe) let base = parts.withUnsafeMutableBufferPointer { $0 }
          _ = Parallel.map(count) { i in
            Self.add(geometry, x, y, group: 0, share: i, of: count, isKnown, to: &base[i][0])
          }
        }
      }
    }
  }

  /// The sums of all batches so far.
  func moments() -> LayerMoments { Self.sum(parts + heldParts) }

  /// The sums of the batches that were not held out, and of those that were; nil where either is
  /// missing.
  func learnedAndHeld() -> (learned: LayerMoments, held: LayerMoments)? {
    guard !heldParts.isEmpty else { return nil }
    let (learned, held) = (Self.sum(parts), Self.sum(heldParts))
    return (learned.groups.first?.sampleCount ?? 0) > 0 ? (learned, held) : nil
  }

  private static func sum(_ parts: [[GroupMoments]]) -> LayerMoments {
    var groups = parts[0]
    for part in parts.dropFirst() {
      for g in groups.indices { groups[g].add(part[g]) }
    }
    for g in groups.indices { groups[g].inputs.mirrorLowerTriangle() }
    return LayerMoments(groups: groups)
  }

  private static func add(
    _ geometry: LayerGeometry, _ x: UnsafeBufferPointer<Float>, _ y: UnsafeBufferPointer<Float>,
    group: Int, share: Int, of shares: Int, _ isKnown: Bool, to sums: inout GroupMoments
  ) {
    var panel = Panel(columns: geometry.columns, outputs: geometry.outputs, length: panelLength)
    switch geometry.source {
    case .rows:
      let count = x.count / max(1, geometry.inputs)
      for row in share * count / shares..<(share + 1) * count / shares {
        panel.append(row: row, x, y)
        if panel.isFull { panel.flush(into: &sums, withInputs: !isKnown) }
      }
    case .planes(let plane, let positions, let entries):
      let sample = geometry.groups * geometry.inputs * plane
      let count = x.count / max(1, sample)
      entries.withUnsafeBufferPointer { entries in
        // Positions are shared out, not images: a network may take a single image at once.
        var place = share * count * positions / shares
        let end = (share + 1) * count * positions / shares
        while place < end {
          let (image, first) = (place / positions, place % positions)
          let length = min(positions - first, end - place, panel.room)
          let source = x.baseAddress.map { $0 + image * sample + group * geometry.inputs * plane }
          let target = y.baseAddress.map {
            $0 + (image * geometry.groups + group) * geometry.outputs * positions
          }
          guard let source, let target else { break }
          panel.append(geometry, source, plane, entries, target, positions, first..<first + length)
          place += length
          if panel.isFull { panel.flush(into: &sums, withInputs: !isKnown) }
        }
      }
    }
    panel.flush(into: &sums, withInputs: !isKnown)
  }
}

/// Columns of inputs and outputs on their way into the sums:
/// ```
///            one column a sample and position
/// inputs   | position 0: input 0 ... ; position 1: ... |   d rows
///          | 1 1 1 ...                                 |   1 row
/// outputs  | output 0 ...                              |   o rows
/// ```
private struct Panel {
  private let columns: Int
  private let outputs: Int
  private let length: Int
  private var filled = 0
  private var x: [Double]
  private var y: [Double]

  init(columns: Int, outputs: Int, length: Int) {
    (self.columns, self.outputs, self.length) = (columns, outputs, length)
    x = [Double](repeating: 0, count: (columns + 1) * length)
    y = [Double](repeating: 0, count: outputs * length)
    for i in 0..<length { x[columns * length + i] = 1 }
  }

  var room: Int { length - filled }
  var isFull: Bool { filled == length }

  /// One row of a matrix of inputs, and of outputs.
  mutating func append(
    row: Int, _ source: UnsafeBufferPointer<Float>, _ target: UnsafeBufferPointer<Float>
  ) {
    for i in 0..<columns { x[i * length + filled] = Double(source[row * columns + i]) }
    for i in 0..<outputs { y[i * length + filled] = Double(target[row * outputs + i]) }
    filled += 1
  }

  /// Output positions `range` of one image.
  mutating func append(
    _ geometry: LayerGeometry, _ source: UnsafePointer<Float>, _ plane: Int,
    _ entries: UnsafeBufferPointer<Int32>, _ target: UnsafePointer<Float>, _ positions: Int,
    _ range: Range<Int>
  ) {
    let (filled, length, outputs) = (filled, length, outputs)
    x.withUnsafeMutableBufferPointer { x in
      for tap in 0..<geometry.taps {
        let entry = entries.baseAddress.map { $0 + tap * positions + range.lowerBound }
        guard let entry, let base = x.baseAddress else { continue }
        for c in 0..<geometry.inputs {
          let from = source + c * plane
          let to = base + (tap * geometry.inputs + c) * length + filled
          for i in 0..<range.count {
            let place = Int(entry[i])
            to[i] = place < 0 ? 0 : Double(from[place])
          }
        }
      }
    }
    y.withUnsafeMutableBufferPointer { y in
      guard let base = y.baseAddress else { return }
      for o in 0..<outputs {
        let from = target + o * positions + range.lowerBound
        let to = base + o * length + filled
        for i in 0..<range.count { to[i] = Double(from[i]) }
      }
    }
    self.filled += range.count
  }

  mutating func flush(into sums: inout GroupMoments, withInputs: Bool) {
    let (count, length, columns) = (filled, length, columns)
    guard count > 0 else { return }
    x.withUnsafeBufferPointer { x in
      y.withUnsafeBufferPointer { y in
        guard let x = x.baseAddress, let y = y.baseAddress else { return }
        if withInputs { sums.inputs.addGram(x, length: count, stride: length) }
        sums.targets.addProduct(y, transposed: x, length: count, stride: length)
        for o in sums.targetSquares.indices {
          var sum = 0.0
          for i in 0..<count { sum += y[o * length + i] * y[o * length + i] }
          sums.targetSquares[o] += sum
        }
      }
    }
    precondition(columns == sums.columns)
    filled = 0
  }
}
