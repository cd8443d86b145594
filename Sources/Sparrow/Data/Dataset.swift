import SparrowCore
import SparrowFormats

/// Samples, and their classes where they are known: from an `.npz` file, the IDX files of the MNIST
/// family, CIFAR's binary files, or folders of images.
public struct Dataset: Sendable {
  /// The names of arrays in an `.npz` file.
  public struct Keys: Hashable, Sendable {
    public var samples: String
    /// Nil where no labels are wanted.
    public var labels: String?

    public init(samples: String, labels: String? = nil) {
      (self.samples, self.labels) = (samples, labels)
    }
  }

  /// One of the two parts that published data come in.
  public enum Split: String, CaseIterable, Sendable {
    case train, test
  }

  /// What the samples are for, which decides what of several parts is taken.
  public enum Purpose: Sendable {
    /// To measure a model.
    case evaluation
    /// To compress one: what it is measured by stays unseen.
    case calibration

    /// The part that is taken where nothing else is said.
    public var split: Split { self == .evaluation ? .test : .train }

    /// The arrays that are looked for in an `.npz` file, in order.
    public var knownKeys: [Keys] {
      [split.keys, Keys(samples: "x", labels: "y"), Keys(samples: "images", labels: "labels")]
    }
  }

  /// The first axis is samples.
  public let samples: Tensor
  /// One a sample; nil where none are known.
  public let labels: [Int]?
  /// The file or folder, for messages.
  public let path: String
  /// The names the arrays have in their file; `images` and `labels` of files without names.
  public let keys: Keys
  /// The classes' names by label, where they are known: an image folder's folders.
  public let classes: [String]?

  public var count: Int { samples.shape.first ?? 0 }

  /// Samples that are in memory already; there are as many labels as samples.
  init(
    samples: Tensor, labels: [Int]?, path: String,
    keys: Keys = Keys(samples: "images", labels: "labels"), classes: [String]? = nil
  ) {
    (self.samples, self.labels, self.path) = (samples, labels, path)
    (self.keys, self.classes) = (keys, classes)
  }

  /// Reads what lies at `path`; see ``DataLocation`` for what is known.
  ///
  /// `split` chooses where both parts are in one place; nil takes the one that `purpose` asks for.
  /// `keys` and `input` are for `.npz` files (``DataLocation/archive(_:)``), `images` says what becomes
  /// of the pictures of image folders, which cannot be read without it.
  public init(
    path: String, keys: Keys? = nil, purpose: Purpose = .evaluation, split: Split? = nil,
    input: String? = nil, images: ImageForm? = nil
  ) throws(SparrowError) {
    let location = try DataLocation(path: path, split: split, purpose: purpose)
    if case .archive = location {
    } else if keys != nil {
      throw .badSetting("--keys names arrays of .npz files, \(path) has none")
    }
    switch location {
    case .archive(let file):
      try self.init(archive: file, keys: keys, purpose: purpose, split: split, input: input)
    case .idx(let samples, let labels):
      try self.init(idx: samples, labels: labels)
    case .cifar(let files): try self.init(cifar: files, path: path)
    case .images(let folder):
      guard let images else {
        throw .badSetting(
          "\(folder): a folder of images needs the size that they become, which a model says")
      }
      try self.init(imageFolder: folder, images)
    }
  }
}

extension Dataset.Split {
  /// Its arrays in an `.npz` file.
  var keys: Dataset.Keys { Dataset.Keys(samples: "x_\(rawValue)", labels: "y_\(rawValue)") }
}
