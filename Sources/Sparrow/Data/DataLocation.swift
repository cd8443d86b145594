import Foundation

/// What kind of data lies at a path, and which of its files are meant.
public enum DataLocation: Hashable, Sendable {
  /// Arrays by name, in one file.
  case archive(String)
  /// A file of samples as MNIST has it, and the one of its labels.
  case idx(samples: String, labels: String?)
  /// Binary files of CIFAR-10 or CIFAR-100, one after the other.
  case cifar([String])
  /// A folder with one folder of JPEG and PNG files a class.
  case images(String)

  /// Looks at names and folders alone:
  ///
  /// | path | data |
  /// |---|---|
  /// | `*idx3-ubyte`, `*idx*.gz`, ... | IDX; labels in the file beside it that says `labels` for `images` |
  /// | a folder of such files | the pair of the split: `train`, or `t10k` and `test` |
  /// | `*.bin` | CIFAR |
  /// | a folder of such files | `data_batch_*.bin` and `train.bin`, or `test_batch.bin` and `test.bin` |
  /// | a folder of folders `train` and `val` or `test` | that split's image folder |
  /// | any other folder | an image folder |
  /// | any other file | `.npz` |
  ///
  /// Throws where a `split` is asked for and there is only one part, or none of that name.
  public init(
    path: String, split: Dataset.Split? = nil, purpose: Dataset.Purpose = .evaluation
  ) throws(SparrowError) {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    if exists, isFolder.boolValue {
      self = try Self.folder(path, split, purpose)
      return
    }
    let name = String(path.split(separator: "/").last ?? "")
    if IDXName(name) != nil {
      try Self.refuse(split, path)
      self = .idx(samples: path, labels: IDXName.labels(beside: path))
    } else if name.hasSuffix(".bin") {
      try Self.refuse(split, path)
      self = .cifar([path])
    } else {
      self = .archive(path)
    }
  }

  private static func refuse(_ split: Dataset.Split?, _ path: String) throws(SparrowError) {
    guard let split else { return }
    throw .badSetting(
      "--split \(split.rawValue): \(path) is one part by itself; name the folder that has both")
  }

  private static func folder(
    _ path: String, _ split: Dataset.Split?, _ purpose: Dataset.Purpose
  ) throws(SparrowError) -> DataLocation {
    let names = try names(in: path)
    let wanted = split ?? purpose.split
    let idx = names.compactMap { IDXName($0) }.filter { $0.isSamples }
    if !idx.isEmpty { return try idxPair(idx, wanted, path) }
    let binary = names.filter { $0.hasSuffix(".bin") }
    if !binary.isEmpty { return try cifar(binary, wanted, path) }
    let parts = names.filter { ["train", "val", "valid", "validation", "test"].contains($0) }
    guard parts.contains("train"), parts.count > 1 else {
      try refuse(split, path)
      return .images(path)
    }
    let rank = wanted == .train ? ["train"] : ["test", "val", "validation", "valid"]
    let chosen = rank.first { parts.contains($0) } ?? "train"
    return .images(path + "/" + chosen)
  }

  /// The files and folders in a folder, sorted byte by byte, hidden ones left out.
  static func names(in folder: String) throws(SparrowError) -> [String] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw .badInput("cannot read the folder \(folder): \(error.localizedDescription)")
    }
    return names.filter { !$0.hasPrefix(".") }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private static func idxPair(
    _ files: [IDXName], _ split: Dataset.Split, _ folder: String
  ) throws(SparrowError) -> DataLocation {
    // Of a file and its compressed form the first, which is mapped.
    var byStem: [String: IDXName] = [:]
    for file in files where byStem[file.stem].map({ $0.isCompressed }) ?? true {
      byStem[file.stem] = file
    }
    let found = byStem.values.filter { $0.split == split }.map { $0.name }.sorted()
    guard found.count == 1 else {
      throw .badInput(
        "\(folder): there are \(found.count) files of \(split.rawValue) images, expected one"
          + (found.isEmpty ? "" : ", found \(found.joined(separator: ", ")); name the file itself"))
    }
    let path = folder + "/" + found[0]
    return .idx(samples: path, labels: IDXName.labels(beside: path))
  }

  private static func cifar(
    _ files: [String], _ split: Dataset.Split, _ folder: String
  ) throws(SparrowError) -> DataLocation {
    let chosen = files.filter { name in
      switch split {
      case .train: name == "train.bin" || name.hasPrefix("data_batch_")
      case .test: name == "test.bin" || name == "test_batch.bin"
      }
    }
    guard !chosen.isEmpty else {
      throw .badInput(
        "\(folder): there is no \(split.rawValue) part of CIFAR, found \(files.joined(separator: ", "))"
      )
    }
    return .cifar(chosen.map { folder + "/" + $0 })
  }
}
