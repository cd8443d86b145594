import SparrowCompress
import SparrowCore
import SparrowRuntime

/// Computes what a network gives for samples, to be kept in memory.
struct FeatureSource {
  private let model: Model
  private let session: Session
  private let batch: Int
  /// The samples of a run where the network leaves its batch open.
  private static let usualBatch = 64

  /// `backbone` has the features as its first output.
  init(_ backbone: Model, threads: Int) throws(SparrowError) {
    model = backbone
    let declared = try model.inputTypes().first?.type.dimensions?.first?.value
    batch = declared ?? Self.usualBatch
    guard (1...65_536).contains(batch) else {
      throw .badInput("\(model.path): its batch is fixed to \(batch), expected 1 to 65536")
    }
    session = try model.session(threads: threads)
  }

  /// The features of the samples from `first` on, as many as a run has.
  private func run(_ samples: SampleSource, _ first: Int) throws(SparrowError) -> Tensor {
    let outputs = try model.run(session, samples.batch(first..<first + batch))
    guard let features = outputs.first, features.dtype == .float32, features.rank >= 2,
      features.shape[0] == batch
    else {
      let found = outputs.first.map { TensorType($0.dtype, shape: $0.shape).text } ?? "nothing"
      throw .badInput(
        "\(model.path): the last linear layer reads \(found), expected float32 features of \(batch) "
          + "samples")
    }
    return features
  }

  /// Throws where the features of all samples would take more than `limit` bytes.
  func check(
    _ data: SampleSource, _ held: SampleSource?, limit: Int
  ) throws(SparrowError) {
    let count = data.count + (held?.count ?? 0)
    let width = try run(data, 0).count / batch
    let needed = Double(width) * Double(MemoryLayout<Float>.size) * Double(count)
    guard needed <= Double(limit) else {
      throw .badInput(
        "\(model.path): the features of \(count) samples, \(width) numbers each, take "
          + "\(Int((needed / 1e6).rounded(.up))) MB, more than the \(limit / 1_000_000) MB that are "
          + "allowed: allow more with --memory, use fewer samples, or train the backbone too")
    }
  }

  /// Of all samples, in their order.
  func features(of samples: SampleSource) throws(SparrowError) -> TensorData {
    var shape: [Int] = []
    var region: Region?
    for first in stride(from: 0, to: samples.count, by: batch) {
      let found = try run(samples, first)
      if region == nil {
        shape = Array(found.shape.dropFirst())
        region = Region(available: samples.count * Self.size(shape))
      }
      guard let region else {
        throw .badInput(
          "\(model.path): there is no memory for the features of \(samples.count) samples")
      }
      guard Array(found.shape.dropFirst()) == shape else {
        throw .badInput(
          "\(model.path): the last linear layer reads \(shape) of some samples and "
            + "\(Array(found.shape.dropFirst())) of others, expected as many numbers of each")
      }
      Self.copy(found, rows: min(batch, samples.count - first), to: region, from: first)
    }
    guard let region else { throw .badInput("\(samples.path): there is no sample") }
    let features = Tensor(
      dtype: .float32, shape: [samples.count] + shape, bytes: Bytes(region))
    return TensorData([features], labels: samples.labels)
  }

  private static func size(_ shape: [Int]) -> Int { shape.reduce(MemoryLayout<Float>.size, *) }

  private static func copy(_ found: Tensor, rows: Int, to region: Region, from first: Int) {
    let size = size(Array(found.shape.dropFirst()))
    found.dense().denseBytes?.withUnsafeBytes { bytes in
      UnsafeMutableRawBufferPointer(
        start: region.base.advanced(by: first * size), count: rows * size
      ).copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[0..<rows * size]))
    }
  }
}
