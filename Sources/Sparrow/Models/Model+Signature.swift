import SparrowCompress
import SparrowCore

extension Model {
  /// A text that differs where a compression's layers would: by the network and its weights, the
  /// recipe, and the samples.
  public func signature(recipe: Recipe, samples: SampleSource) throws -> String {
    "sparrow 1\nnetwork \(fingerprint(samples))\n"
      + "data \(samples.path), \(samples.count) samples\n" + (try recipe.yaml())
  }

  /// Of the network, its weights, the labels, and the first and the last sample.
  func fingerprint(_ samples: SampleSource) -> String {
    var hash = Fingerprint.of(graph.text)
    for value in graph.values {
      guard let tensor = value.constant else { continue }
      hash = hash &* 31 &+ tensor.fingerprint
      tensor.releasePages()
    }
    let (first, last) = (samples.batch(0..<1), samples.batch(samples.count - 1..<samples.count))
    for label in samples.labels ?? [] { hash = hash &* 31 &+ UInt64(bitPattern: Int64(label)) }
    for tensor in first + last { hash = hash &* 31 &+ tensor.fingerprint }
    return String(hash, radix: 16)
  }
}

extension Tensor {
  /// Of the elements' bytes.
  fileprivate var fingerprint: UInt64 {
    dense().denseBytes?.withUnsafeBytes { Fingerprint.of($0) } ?? 0
  }
}
