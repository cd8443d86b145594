import SparrowCore
import SparrowFormats

/// Samples and their classes, from an `.npz` file.
public struct Dataset: Sendable {
  /// The first axis is samples.
  public let samples: Tensor
  public let labels: [Int]
  /// The file, for messages.
  public let path: String
  /// The keys the arrays have in the file.
  public let keys: (samples: String, labels: String)

  public var count: Int { labels.count }

  /// The pairs of keys that are looked for, in order.
  public static let knownKeys: [(samples: String, labels: String)] = [
    ("x_test", "y_test"), ("x", "y"), ("images", "labels"),
  ]

  /// Reads the arrays named by `keys`, or by the first of ``knownKeys`` that the file has.
  public init(
    path: String, keys: (samples: String, labels: String)? = nil
  ) throws(SparrowError) {
    let samples: Tensor
    let labelTensor: Tensor
    let chosen: (samples: String, labels: String)
    do throws(FormatError) {
      let archive = try NPZArchive(path: path)
      let names = archive.names
      let wanted = keys.map { [$0] } ?? Self.knownKeys
      let pair = wanted.first { names.contains($0.samples) && names.contains($0.labels) }
      guard let pair else {
        let pairs = wanted.map { "\($0.samples) and \($0.labels)" }.joined(separator: ", or ")
        throw .unsupported(
          file: path, offset: nil,
          reason: "it holds \(names.joined(separator: ", ")), expected the arrays \(pairs); "
            + "name them with --keys")
      }
      samples = try archive.tensor(named: pair.samples)
      labelTensor = try archive.tensor(named: pair.labels)
      chosen = pair
    } catch {
      throw .format(error)
    }
    guard samples.rank >= 1, labelTensor.rank == 1, samples.shape[0] == labelTensor.count,
      let labels = labelTensor.integers
    else {
      let types = [samples, labelTensor].map { TensorType($0.dtype, shape: $0.shape).text }
      throw .badInput(
        "\(path): \(chosen.samples) is \(types[0]) and \(chosen.labels) is \(types[1]), expected one integer "
          + "label a sample")
    }
    self.samples = samples.dense()
    (self.labels, self.path) = (labels, path)
    self.keys = chosen
  }

  /// The first `limit` samples.
  public func prefix(_ limit: Int) -> Dataset {
    Dataset(samples, Array(labels.prefix(max(0, limit))), path, keys)
  }

  private init(
    _ samples: Tensor, _ labels: [Int], _ path: String, _ keys: (samples: String, labels: String)
  ) {
    (self.samples, self.labels, self.path, self.keys) = (samples, labels, path, keys)
  }
}
