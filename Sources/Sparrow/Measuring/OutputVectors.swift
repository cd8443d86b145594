import SparrowCore
import SparrowRuntime

/// One vector a sample, in rows of equal width.
struct VectorRows {
  var values: [Float] = []
  var width = 0

  subscript(row: Int) -> ArraySlice<Float> { values[row * width..<(row + 1) * width] }
}

/// Runs a model over samples and gives its first output as one vector a sample.
struct OutputVectors {
  private let model: Model
  private let samples: SampleSource
  private let pooling: Pooling
  private let session: Session
  /// The samples of every run, where the model says.
  private let fixedBatch: Int?
  /// Where the attention mask is among the inputs; nil where nothing is pooled.
  private let mask: Int?

  init(
    _ model: Model, _ samples: SampleSource, _ options: EvaluationOptions
  ) throws(SparrowError) {
    let types = try model.inputTypes()
    (self.model, self.samples, pooling) = (model, samples, options.pooling)
    fixedBatch = types.compactMap { $0.type.dimensions?.first?.value }.first
    mask = types.firstIndex { $0.name == Pooling.maskName }
    if let fixedBatch, fixedBatch < 1 {
      throw .badInput("\(model.path): its batch is fixed to \(fixedBatch), expected 1 or more")
    }
    session = try model.session(threads: options.threads, tuning: options.tuning)
  }

  /// The samples that are best run at a time.
  func step(_ options: EvaluationOptions) -> Int { fixedBatch ?? max(1, options.batch) }

  /// The vectors of samples `range`.
  func rows(_ range: Range<Int>) throws(SparrowError) -> VectorRows {
    var result = VectorRows()
    let step = fixedBatch ?? range.count
    for first in stride(from: range.lowerBound, to: range.upperBound, by: max(1, step)) {
      let inputs = samples.batch(first..<first + step)
      let outputs = try model.run(session, inputs)
      let run = try vectors(outputs.first, of: step, inputs)
      guard result.values.isEmpty || result.width == run.width else {
        throw .badInput(
          "\(model.path): its first output has \(result.width) elements for some samples and "
            + "\(run.width) for others, expected as many for each"
            + (pooling == .none ? "; --pool mean makes sentences comparable" : ""))
      }
      result.width = run.width
      result.values += run.values.prefix(min(step, range.upperBound - first) * run.width)
    }
    return result
  }

  private func vectors(
    _ output: Tensor?, of batch: Int, _ inputs: [Tensor]
  ) throws(SparrowError) -> VectorRows {
    guard let output, let values = output.floats, output.shape.first == batch, output.count > 0
    else {
      let found = output.map { TensorType($0.dtype, shape: $0.shape).text } ?? "nothing"
      throw .badInput(
        "\(model.path): its first output is \(found), expected scores [batch, classes]")
    }
    switch pooling {
    case .none: return VectorRows(values: values, width: output.count / batch)
    case .mean: return try mean(values, output, inputs)
    }
  }

  private func mean(
    _ values: [Float], _ output: Tensor, _ inputs: [Tensor]
  ) throws(SparrowError) -> VectorRows {
    guard let mask,
      let marks = inputs[mask].integers ?? inputs[mask].floats?.map({ $0 == 0 ? 0 : 1 }),
      output.rank == 3, inputs[mask].shape == Array(output.shape.prefix(2))
    else {
      let found = TensorType(output.dtype, shape: output.shape).text
      throw .badInput(
        "\(model.path): --pool mean needs an input '\(Pooling.maskName)' [batch, tokens] and an output "
          + "[batch, tokens, width]; its first output is \(found)"
          + (mask == nil ? ", and it has no such input" : ""))
    }
    let (batch, tokens, width) = (output.shape[0], output.shape[1], output.shape[2])
    var result = VectorRows(values: [], width: width)
    for row in 0..<batch {
      var sum = [Double](repeating: 0, count: width)
      var marked = 0.0
      for token in row * tokens..<(row + 1) * tokens where marks[token] != 0 {
        marked += 1
        for i in 0..<width { sum[i] += Double(values[token * width + i]) }
      }
      result.values += sum.map { Float($0 / max(1, marked)) }
    }
    return result
  }
}
