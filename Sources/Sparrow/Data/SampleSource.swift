import SparrowCompress
import SparrowCore

/// Samples as one model takes them: a batch is a tensor for each of its inputs.
///
/// Made from the samples of a ``Dataset``, preprocessed, where the model has one input; else from an
/// `.npz` file whose arrays have the inputs' names, taken as they are.
public struct SampleSource: CalibrationData {
  /// What the samples are read from.
  enum Origin: Sendable {
    case preprocessed(SampleReader, Preprocessing)
    /// In the order of the model's inputs; the first axes are samples.
    case arrays([(name: String, tensor: Tensor)])
  }

  /// The file, for messages.
  public let path: String
  /// One a sample; nil where they are not known.
  public let labels: [Int]?
  let origin: Origin
  /// Which samples of the origin these are, in their order.
  let rows: [Int]

  public var count: Int { rows.count }

  init(_ origin: Origin, labels: [Int]?, rows: [Int], path: String) {
    (self.origin, self.labels, self.rows, self.path) = (origin, labels, rows, path)
  }

  /// The samples of `dataset` for the only input of `model`.
  ///
  /// Throws when there is no sample, the model has several inputs, or samples do not fit its input.
  public init(
    _ dataset: Dataset, for model: Model, preprocessing: Preprocessing = Preprocessing()
  ) throws(SparrowError) {
    let types = try model.inputTypes()
    guard types.count == 1 else {
      throw .badInput(
        "\(model.path): it takes \(types.count) inputs, expected a file whose arrays have their "
          + "names, found \(dataset.keys.samples) of \(dataset.path)")
    }
    guard dataset.count > 0 else { throw .badInput("\(dataset.path): there is no sample") }
    let reader = try SampleReader(
      dataset, input: types[0], model: model.path, preprocessing: preprocessing)
    self.init(
      .preprocessed(reader, preprocessing), labels: dataset.labels,
      rows: Array(0..<dataset.count), path: dataset.path)
  }

  /// Samples `range` in the order of the model's inputs, the first axis of each as long as the range;
  /// where it ends beyond the last sample, that one is repeated.
  public func batch(_ range: Range<Int>) -> [Tensor] {
    precondition(!rows.isEmpty && range.lowerBound >= 0)
    let chosen = range.map { rows[min($0, rows.count - 1)] }
    switch origin {
    case .preprocessed(let reader, _): return [reader.batch(chosen)]
    case .arrays(let arrays): return arrays.map { $0.tensor.samples(chosen) }
    }
  }

  /// The first `limit` samples, or all where there are no more.
  public func prefix(_ limit: Int) -> SampleSource {
    choosing(Array(0..<max(0, min(limit, count))))
  }

  /// `wanted` samples drawn without replacement, in the order they are drawn; all as they are where
  /// there are no more. The same seed draws the same samples.
  public func sample(_ wanted: Int, seed: UInt64) -> SampleSource {
    guard wanted < count else { return self }
    var random = SplitMix64(seed: seed)
    var order = Array(0..<count)
    for i in 0..<max(0, wanted) {
      order.swapAt(i, i + Int(random.next() % UInt64(count - i)))
    }
    return choosing(Array(order.prefix(max(0, wanted))))
  }

  func choosing(_ chosen: [Int]) -> SampleSource {
    SampleSource(
      origin, labels: labels.map { labels in chosen.map { labels[$0] } },
      rows: chosen.map { rows[$0] }, path: path)
  }

  /// The same samples for another model.
  public func fitted(to model: Model) throws(SparrowError) -> SampleSource {
    switch origin {
    case .preprocessed(let reader, let preprocessing):
      let source = try SampleSource(reader.dataset, for: model, preprocessing: preprocessing)
      return SampleSource(source.origin, labels: labels, rows: rows, path: path)
    case .arrays(let arrays):
      let ordered = try model.ordered(arrays, path: path)
      return SampleSource(.arrays(ordered), labels: labels, rows: rows, path: path)
    }
  }
}
