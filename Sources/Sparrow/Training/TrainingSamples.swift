import SparrowCore
import SparrowFormats

/// The samples to train a model with.
public enum TrainingSamples {
  /// Which of the samples are taken.
  public struct Choice: Hashable, Sendable {
    /// Nil: of all classes.
    public var classes: ClassSelection?
    /// The first so many of those to learn from; nil: all.
    public var limit: Int?
    /// The same of those to measure on.
    public var testLimit: Int?

    public init(classes: ClassSelection? = nil, limit: Int? = nil, testLimit: Int? = nil) {
      (self.classes, self.limit, self.testLimit) = (classes, limit, testLimit)
    }
  }

  /// What is learnt from, and what is only measured on: the test part, where both parts are at `path`
  /// (arrays `x_test` and `y_test`, or files and folders as ``DataLocation`` knows them).
  ///
  /// Learnt from is what `keys` names, `[samples, labels]`, or else what ``Dataset`` looks for to
  /// calibrate. Throws where there are no labels but the loss needs some, or samples do not fit the
  /// model.
  public static func read(
    path: String, for model: Model, keys: [String]? = nil,
    preprocessing: Preprocessing = Preprocessing(), choice: Choice = Choice(),
    needsLabels: Bool = true
  ) throws(SparrowError) -> (learnt: SampleSource, held: SampleSource?) {
    let (learnt, held) = try parts(path, model, keys, preprocessing, needsLabels)
    return (
      try learnt.chosen(choice.classes, choice.limit),
      try held.map { (held) throws(SparrowError) in
        try held.chosen(choice.classes, choice.testLimit)
      }
    )
  }

  private static func parts(
    _ path: String, _ model: Model, _ keys: [String]?, _ preprocessing: Preprocessing,
    _ needsLabels: Bool
  ) throws(SparrowError) -> (learnt: SampleSource, held: SampleSource?) {
    let chosen = keys.map { Dataset.Keys(samples: $0[0], labels: $0.count > 1 ? $0[1] : nil) }
    let learnt = try SampleSource(
      path: path, for: model, keys: chosen, purpose: .calibration, preprocessing: preprocessing)
    guard learnt.labels != nil || !needsLabels else {
      throw .badInput(
        "\(path): there are no labels to learn, expected one integer a sample: an array y_train or y, "
          + "or what --keys names")
    }
    guard chosen?.samples != Dataset.Split.test.keys.samples, try model.inputTypes().count == 1,
      try hasTestPart(path)
    else { return (learnt, nil) }
    return (
      learnt,
      try SampleSource(path: path, for: model, split: .test, preprocessing: preprocessing)
    )
  }

  private static func hasTestPart(_ path: String) throws(SparrowError) -> Bool {
    let train = try DataLocation(path: path, purpose: .calibration)
    guard case .archive(let file) = train else {
      guard let test = try? DataLocation(path: path, split: .test) else { return false }
      return test != train
    }
    do throws(FormatError) {
      let keys = Dataset.Split.test.keys
      return Set([keys.samples, keys.labels]).isSubset(of: try NPZArchive(path: file).names)
    } catch {
      throw .format(error)
    }
  }
}

extension SampleSource {
  fileprivate func chosen(
    _ classes: ClassSelection?, _ limit: Int?
  ) throws(SparrowError) -> SampleSource {
    let selected = try classes.map { (classes) throws(SparrowError) in try selecting(classes) }
    let samples = selected ?? self
    return limit.map { samples.prefix($0) } ?? samples
  }
}
