import SparrowCore
import SparrowFormats

/// The samples to train a model with.
public enum TrainingSamples {
  /// What is learnt from, and what is only measured on: the test part, where both parts are at `path`
  /// (arrays `x_test` and `y_test`, or files and folders as ``DataLocation`` knows them).
  ///
  /// Learnt from is what `keys` names, `[samples, labels]`, or else what ``Dataset`` looks for to
  /// calibrate. Throws where there are no labels, or samples do not fit the model.
  public static func read(
    path: String, for model: Model, keys: [String]? = nil,
    preprocessing: Preprocessing = Preprocessing()
  ) throws(SparrowError) -> (learnt: SampleSource, held: SampleSource?) {
    let chosen = keys.map { Dataset.Keys(samples: $0[0], labels: $0.count > 1 ? $0[1] : nil) }
    let learnt = try SampleSource(
      path: path, for: model, keys: chosen, purpose: .calibration, preprocessing: preprocessing)
    guard learnt.labels != nil else {
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
