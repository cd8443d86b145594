import Foundation
import SparrowCore

/// How far a network's outputs are from what they were, added up over batches.
///
/// Rows of probabilities, and rows of scores where the samples have classes, are compared by the
/// Kullback-Leibler divergence from the old to the new ones, a mean over rows. Other outputs by their
/// squared error over the energy of the old ones about their mean.
struct OutputDistance {
  private let hasClasses: Bool
  private var divergence = (sum: 0.0, rows: 0)
  private var squares = (error: 0.0, energy: 0.0)

  init(hasClasses: Bool) { self.hasClasses = hasClasses }

  /// Adds one batch's outputs; those that are not floating-point do not count.
  mutating func add(_ outputs: [Tensor], reference: [Tensor]) {
    for (i, (output, old)) in zip(outputs, reference).enumerated() {
      guard output.shape == old.shape, let new = output.floats, let old = old.floats,
        !old.isEmpty, output.dtype.isFloatingPoint
      else { continue }
      let width = output.shape.last ?? 1
      if width > 1, Self.areProbabilities(old, width) {
        add(new, old, width) { $0 }
      } else if width > 1, hasClasses, i == 0 {
        add(new, old, width, Self.softmax)
      } else {
        add(new, old)
      }
    }
  }

  /// Never negative; 0 for equal outputs.
  var value: Double {
    let mean = divergence.rows > 0 ? divergence.sum / Double(divergence.rows) : 0
    let relative = squares.energy > 0 ? squares.error / squares.energy : 0
    let sum = max(0, mean) + relative
    return sum.isFinite ? sum : .greatestFiniteMagnitude
  }

  private mutating func add(
    _ new: [Float], _ old: [Float], _ width: Int, _ probabilities: ([Double]) -> [Double]
  ) {
    for start in stride(from: 0, to: old.count, by: width) {
      let p = probabilities(old[start..<start + width].map { Double($0) })
      let q = probabilities(new[start..<start + width].map { Double($0) })
      for (p, q) in zip(p, q) where p > 0 { divergence.sum += p * log(p / max(q, 1e-12)) }
    }
    divergence.rows += old.count / width
  }

  private mutating func add(_ new: [Float], _ old: [Float]) {
    let mean = old.reduce(0.0) { $0 + Double($1) } / Double(old.count)
    for (new, old) in zip(new, old) {
      squares.error += (Double(new) - Double(old)) * (Double(new) - Double(old))
      squares.energy += (Double(old) - mean) * (Double(old) - mean)
    }
  }

  private static func areProbabilities(_ values: [Float], _ width: Int) -> Bool {
    guard values.allSatisfy({ $0 >= 0 && $0 <= 1.001 }) else { return false }
    return stride(from: 0, to: values.count, by: width).allSatisfy { start in
      abs(values[start..<start + width].reduce(0, +) - 1) < 1e-3
    }
  }

  private static func softmax(_ row: [Double]) -> [Double] {
    let most = row.max() ?? 0
    let powers = row.map { exp($0 - most) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }
}
