import SparrowCore
import SparrowFormats

/// The samples of an `.npz` file to train a model with.
public enum TrainingSamples {
  /// What is learnt from, and what is only measured on: the arrays `x_test` and `y_test` where the file
  /// has both.
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
        "\(path): there are no labels to learn, expected an array y_train, y or labels of one integer "
          + "a sample, or what --keys names")
    }
    let test = Dataset.Keys(samples: "x_test", labels: "y_test")
    guard try names(path).isSuperset(of: ["x_test", "y_test"]), chosen?.samples != "x_test",
      try model.inputTypes().count == 1
    else { return (learnt, nil) }
    return (
      learnt,
      try SampleSource(path: path, for: model, keys: test, preprocessing: preprocessing)
    )
  }

  private static func names(_ path: String) throws(SparrowError) -> Set<String> {
    do throws(FormatError) {
      return Set(try NPZArchive(path: path).names)
    } catch {
      throw .format(error)
    }
  }
}
