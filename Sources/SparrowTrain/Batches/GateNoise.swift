import Foundation
import SparrowCore

/// The noise of gates in training, logistic, drawn for each sample from the seed, the epoch and the
/// sample's number.
enum GateNoise {
  static func none(_ shapes: [[Int]]) -> [Tensor] {
    shapes.map { shape in Tensor(of: Float.self, shape: shape) { $0.update(repeating: 0) } }
  }

  /// Tensors `[N, C, 1, 1]`, one a gate, for the samples `rows`.
  static func tensors(
    _ shapes: [[Int]], _ rows: [Int], seed: UInt64, epoch: Int
  ) -> [Tensor] {
    var generators = rows.map { Draw.generator(.gates, seed: seed, epoch, $0) }
    return shapes.map { shape in
      Tensor(of: Float.self, shape: shape) { target in
        let channels = target.count / max(1, rows.count)
        for sample in rows.indices {
          for i in sample * channels..<(sample + 1) * channels {
            let uniform = max(generators[sample].uniform(), 0x1p-54)
            target[i] = Float(log(uniform / (1 - uniform)))
          }
        }
      }
    }
  }
}
