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
  /// Of the old rows: the sum of p log p, and each output's sum of rows.
  private var negentropy = 0.0
  private var rowSums: [Int: [Double]] = [:]
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
        add(i, new, old, width) { $0 }
      } else if width > 1, hasClasses, i == 0 {
        add(i, new, old, width, Self.softmax)
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

  /// What adds up over layers that are pruned together: each keeps a part of what the outputs tell of
  /// the inputs, the parts multiply, and this is the negative logarithm of the part. Nothing is told by
  /// outputs whose ``value`` is that of the old outputs' mean in every row. A layer that destroys the
  /// network thus costs more than many that harm it, although its distance is bounded.
  var loss: Double {
    let information = Swift.max(0, informationInRows) + (squares.energy > 0 ? 1 : 0)
    guard information > 0 else { return value }
    let lost = value / information
    // Beyond, the tangent: outputs can be wrong instead of empty.
    let edge = 0.9
    guard lost > edge else { return -log1p(-lost) }
    return -log1p(-edge) + (lost - edge) / (1 - edge)
  }

  /// The mean divergence of the old rows from their mean, in nats.
  private var informationInRows: Double {
    var sum = negentropy
    for sums in rowSums.values {
      let rows = sums.reduce(0, +)
      for part in sums where part > 0 { sum -= part * log(part / rows) }
    }
    return divergence.rows > 0 ? sum / Double(divergence.rows) : 0
  }

  private mutating func add(
    _ output: Int, _ new: [Float], _ old: [Float], _ width: Int,
    _ probabilities: ([Double]) -> [Double]
  ) {
    var sums = rowSums[output] ?? [Double](repeating: 0, count: width)
    guard sums.count == width else { return }
    for start in stride(from: 0, to: old.count, by: width) {
      let p = probabilities(old[start..<start + width].map { Double($0) })
      let q = probabilities(new[start..<start + width].map { Double($0) })
      for (i, (p, q)) in zip(p, q).enumerated() where p > 0 {
        divergence.sum += p * log(p / max(q, 1e-12))
        negentropy += p * log(p)
        sums[i] += p
      }
    }
    rowSums[output] = sums
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
