import SparrowCore

/// Finds the pattern that a sparse weight's zeros keep to.
///
/// Looks at no more than 16,384 evenly spaced groups a candidate, so that large weights take no
/// longer; a weight that breaks its pattern elsewhere goes unnoticed.
struct ZeroStructure {
  private let view: WeightView
  private let isNonzero: (Int) -> Bool
  private let density: Double

  /// The structure's name, as patterns are named on the command line; nil where there is none.
  static func name(of tensor: Tensor, view: WeightView, nonzeros: Int) -> String? {
    guard nonzeros > 0, nonzeros < tensor.count else { return nil }
    if case .blocks(let blocks) = tensor.storage { return "\(blocks.outputs)x\(blocks.inputs)" }
    let density = Double(nonzeros) / Double(tensor.count)
    let dtype = tensor.dtype
    switch tensor.storage {
    case .bitmask(let mask):
      return ZeroStructure(view: view, isNonzero: { mask.bits.bit($0) }, density: density).name
    case .dense, .compressedRows, .blocks:
      guard let bytes = tensor.dense().denseBytes else { return nil }
      let structure = ZeroStructure(
        view: view, isNonzero: { bytes.isNonzero($0, dtype) }, density: density)
      return structure.name
    }
  }

  /// Larger blocks first: a 4x4 pattern is a 1x4 and a 4x1 pattern, too.
  private static let blockShapes = [
    (16, 16), (8, 8), (4, 4), (1, 16), (16, 1), (1, 8), (8, 1), (1, 4), (4, 1),
  ]

  private var name: String? {
    for (outputs, inputs) in Self.blockShapes where isBlocked(outputs, inputs) {
      return "\(outputs)x\(inputs)"
    }
    for (kept, group) in [(1, 4), (2, 4), (1, 2), (4, 8)] where isGrouped(kept, group) {
      return "\(kept):\(group)"
    }
    return nil
  }

  private static var samples: Int { 16_384 }
  /// The part of the zeros, and of the kept blocks' elements, that may be zeros in kept blocks:
  /// trained weights are hardly ever zero by chance.
  private static var chance: Double { 0.03 }

  /// Whether nonzeros fill the blocks that hold any, and the zeros the others.
  private func isBlocked(_ outputs: Int, _ inputs: Int) -> Bool {
    guard view.outputs >= outputs, view.inputs >= inputs else { return false }
    var (total, kept, nonzeros) = (0, 0, 0)
    forEachGroup(outputs, inputs) { found, size in
      total += size
      if found > 0 { kept += size }
      nonzeros += found
      // Far beyond chance early on: the other groups will not make up for it.
      return total < 4096 || isByChance(total, kept, nonzeros, factor: 4)
    }
    return total > nonzeros && kept > 0 && isByChance(total, kept, nonzeros, factor: 1)
  }

  private func isByChance(_ total: Int, _ kept: Int, _ nonzeros: Int, factor: Double) -> Bool {
    let limit = Self.chance * Double(min(total - nonzeros, kept))
    return Double(kept - nonzeros) <= factor * limit
  }

  /// Whether no group of inputs has more than `kept` nonzeros, and most have as many.
  private func isGrouped(_ kept: Int, _ group: Int) -> Bool {
    guard view.inputs >= group, density > 0.8 * Double(kept) / Double(group) else { return false }
    return forEachGroup(1, group) { found, _ in found <= kept }
  }

  /// Calls `body` with the nonzeros and the size of sampled groups until it says no.
  @discardableResult
  private func forEachGroup(
    _ outputs: Int, _ inputs: Int, _ body: (_ nonzeros: Int, _ size: Int) -> Bool
  ) -> Bool {
    let (rows, columns) = (view.outputs / outputs, view.inputs / inputs)
    let count = rows * columns * view.positions
    // An odd step meets all positions and columns, whatever powers of two they are.
    let step = max(1, count / Self.samples) | 1
    for group in stride(from: 0, to: count, by: step) {
      let position = group % view.positions
      let column = group / view.positions % columns
      let row = group / view.positions / columns
      var found = 0
      for o in 0..<outputs {
        for i in 0..<inputs {
          let element = view.element(
            output: row * outputs + o, input: column * inputs + i, position: position)
          if isNonzero(element) { found += 1 }
        }
      }
      guard body(found, outputs * inputs) else { return false }
    }
    return true
  }
}
