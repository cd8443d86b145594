import SparrowCompress
import SparrowCore

/// Samples to learn from, preprocessed as the network takes them.
public protocol TrainingData: CalibrationData {
  /// The given samples in their order, one tensor an input of the network; the first axis is samples.
  func inputs(_ rows: [Int]) -> [Tensor]
  /// What a squared error compares the network's first output with; nil: ones at the samples' classes.
  func targets(_ rows: [Int]) -> Tensor?
}

extension TrainingData {
  public func targets(_ rows: [Int]) -> Tensor? { nil }
}

extension TensorData: TrainingData {
  public func inputs(_ rows: [Int]) -> [Tensor] { inputs.map { $0.samples(rows) } }
}

/// Random numbers of what they are for: the same for the same words, whatever was drawn before.
enum Draw {
  /// What random choices are made of; each has numbers of its own.
  enum Purpose: UInt64 {
    case order = 1
    case augmentation, initial, secondView, gates
  }

  static func generator(
    _ purpose: Purpose, seed: UInt64, _ first: Int = 0, _ second: Int = 0
  ) -> SplitMix64 {
    var mixed = seed
    for word in [
      purpose.rawValue, UInt64(bitPattern: Int64(first)), UInt64(bitPattern: Int64(second)),
    ] {
      var step = SplitMix64(seed: mixed ^ (word &* 0x9e37_79b9_7f4a_7c15))
      mixed = step.next()
    }
    return SplitMix64(seed: mixed)
  }
}

extension SplitMix64 {
  /// A number from 0 to below `limit`, which is above 0.
  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

  /// An order of 0 ..< `count` in which each is equally likely. (Fisher and Yates.)
  mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    guard count > 1 else { return order }
    for i in 0..<count - 1 { order.swapAt(i, i + below(count - i)) }
    return order
  }
}

/// The samples of every step: each epoch in an order of its own, which follows from the seed. What is
/// left of an epoch after whole batches is left out; other epochs have it.
struct ShuffledBatches: Sendable {
  let samples: Int
  let size: Int
  let seed: UInt64

  var perEpoch: Int { samples / size }

  func order(epoch: Int) -> [Int] {
    var random = Draw.generator(.order, seed: seed, epoch)
    return random.permutation(samples)
  }
}
