import SparrowCore
import SparrowFormats

extension SampleSource {
  /// Reads samples for `model` from what lies at `path`; see ``DataLocation``.
  ///
  /// Of a model of one input they are what `keys` names, or else what `split` or `purpose` asks for, or
  /// an array of the input's name; see ``Dataset``. A model of several inputs takes an `.npz` file:
  /// each array has an input's name, and an array `labels` or `y` of one integer a sample has the
  /// labels.
  public init(
    path: String, for model: Model, keys: Dataset.Keys? = nil,
    purpose: Dataset.Purpose = .evaluation, split: Dataset.Split? = nil,
    preprocessing: Preprocessing = Preprocessing()
  ) throws(SparrowError) {
    let types = try model.inputTypes()
    guard types.count != 1 else {
      let dataset = try Dataset(
        path: path, keys: keys, purpose: purpose, split: split, input: types[0].name,
        images: try Self.imageForm(path, types[0], model, split, purpose, preprocessing))
      try self.init(dataset, for: model, preprocessing: preprocessing)
      return
    }
    guard split == nil else {
      throw .badSetting(
        "\(model.path) takes \(types.count) inputs: --split is for models of one")
    }
    guard keys == nil, preprocessing == Preprocessing() else {
      throw .badSetting(
        "\(model.path) takes \(types.count) inputs: --keys and --preprocess are for models of one; "
          + "the arrays of \(path) must have the inputs' names and hold what they take")
    }
    var arrays: [(name: String, tensor: Tensor)] = []
    do throws(FormatError) {
      let archive = try NPZArchive(path: path)
      let wanted = Set(types.map { $0.name } + ["labels", "y"])
      for name in archive.names where wanted.contains(name) {
        arrays.append((name, try archive.tensor(named: name)))
      }
    } catch {
      throw .format(error)
    }
    try self.init(arrays, for: model, path: path)
  }

  /// What images become for the model; nil where the data are no image folder.
  private static func imageForm(
    _ path: String, _ input: (name: String, type: TensorType), _ model: Model,
    _ split: Dataset.Split?, _ purpose: Dataset.Purpose, _ preprocessing: Preprocessing
  ) throws(SparrowError) -> ImageForm? {
    let location = try DataLocation(path: path, split: split, purpose: purpose)
    if case .images = location {
      return try ImageForm(
        input, model: model.path, crop: preprocessing.crop, resize: preprocessing.resize)
    }
    guard preprocessing.crop == nil, preprocessing.resize == nil else {
      throw .badSetting(
        "--preprocess: resize and crop are for folders of images, \(path) is none")
    }
    return nil
  }

  /// Samples for the inputs of `model` from arrays of their names, taken as they are; an array
  /// `labels` or `y` of one integer a sample has the labels. `path` is for messages.
  ///
  /// Throws when an input has no array, or one whose samples it does not take, and when the arrays
  /// differ in their number of samples or have none.
  public init(
    _ arrays: [(name: String, tensor: Tensor)], for model: Model, path: String
  ) throws(SparrowError) {
    let ordered = try model.ordered(arrays, path: path)
    let count = ordered.first?.tensor.shape.first ?? 0
    guard count > 0 else { throw .badInput("\(path): there is no sample") }
    let labels = ["labels", "y"].compactMap { name -> [Int]? in
      guard !ordered.contains(where: { $0.name == name }),
        let tensor = arrays.first(where: { $0.name == name })?.tensor, tensor.shape == [count]
      else { return nil }
      return tensor.integers
    }
    self.init(.arrays(ordered), labels: labels.first, rows: Array(0..<count), path: path)
  }
}

extension Model {
  /// The arrays that have the inputs' names, in the order of the inputs, each checked to hold samples
  /// that its input takes, and as many as the others.
  func ordered(
    _ arrays: [(name: String, tensor: Tensor)], path file: String
  ) throws(SparrowError) -> [(name: String, tensor: Tensor)] {
    var result: [(name: String, tensor: Tensor)] = []
    for (name, type) in try inputTypes() {
      guard let array = arrays.first(where: { $0.name == name }) else {
        let found = arrays.map { $0.name }.joined(separator: ", ")
        throw .badInput(
          "\(path): input '\(name)' is \(type.text), but \(file) has no array of that name"
            + (found.isEmpty ? "" : "; found \(found)"))
      }
      let found = TensorType(array.tensor.dtype, shape: array.tensor.shape)
      guard takesSamples(of: array.tensor, type) else {
        throw .badInput(
          "\(path): input '\(name)' is \(type.text), but the samples of \(file) are \(found.text)")
      }
      if let first = result.first, first.tensor.shape[0] != array.tensor.shape[0] {
        throw .badInput(
          "\(file): '\(first.name)' has \(first.tensor.shape[0]) samples and '\(name)' "
            + "\(array.tensor.shape[0]), expected the same number")
      }
      result.append((name, array.tensor.dense()))
    }
    return result
  }

  private func takesSamples(of tensor: Tensor, _ type: TensorType) -> Bool {
    guard tensor.dtype == type.dtype, tensor.rank >= 1 else { return false }
    guard let declared = type.dimensions else { return true }
    return declared.count == tensor.rank
      && zip(declared, tensor.shape).dropFirst().allSatisfy { dimension, length in
        dimension.value.map { $0 == length } ?? true
      }
  }
}
