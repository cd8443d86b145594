import Foundation
import SparrowCore
import SparrowFormats
import SparrowPasses

/// A folder with a folder of pictures for each class; labels count classes in the order of their names.
struct ImageFolder {
  let classes: [String]
  /// In the order of classes, then of names.
  let files: [(path: String, label: Int)]

  /// Lists the folder. Throws where a class has no picture or there is no class.
  init(_ path: String) throws(SparrowError) {
    var classes: [String] = []
    var files: [(path: String, label: Int)] = []
    for name in try DataLocation.names(in: path) {
      var isFolder: ObjCBool = false
      let folder = path + "/" + name
      guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder),
        isFolder.boolValue
      else { continue }
      let images = try DataLocation.names(in: folder).filter { ImageFile.isImage($0) }
      guard !images.isEmpty else {
        throw .badInput(
          "\(folder): there is no image in it, expected \(ImageFile.suffixes.joined(separator: ", "))"
        )
      }
      files += images.map { (folder + "/" + $0, classes.count) }
      classes.append(name)
    }
    guard !classes.isEmpty else {
      throw .badInput(
        "\(path): it is a folder without data, expected IDX files, CIFAR's .bin files, or a folder of "
          + "images for each class")
    }
    (self.classes, self.files) = (classes, files)
  }
}

extension Dataset {
  /// Reads every picture of a folder of classes as `form` says: uint8 `[N, height, width, 3]`, or
  /// `[N, height, width]` where they are grey. Those that cannot be decoded throw.
  init(imageFolder path: String, _ form: ImageForm) throws(SparrowError) {
    let folder = try ImageFolder(path)
    let pixels = form.height * form.width * form.channels
    let (size, overflow) = pixels.multipliedReportingOverflow(by: folder.files.count)
    guard !overflow, let region = Region(available: size) else {
      throw .badInput(
        "\(path): there is no memory for \(folder.files.count) images of \(form.height)x\(form.width)"
      )
    }
    let target = PixelRows(base: region.base.assumingMemoryBound(to: UInt8.self), stride: pixels)
    let failures = Parallel.map(folder.files.count) { i -> FormatError? in
      do throws(FormatError) {
        try Self.read(folder.files[i].path, form, into: target.row(i))
        return nil
      } catch {
        return error
      }
    }
    for case let failure? in failures { throw .format(failure) }
    let shape = [folder.files.count, form.height, form.width] + (form.channels == 1 ? [] : [3])
    self.init(
      samples: Tensor(dtype: .uint8, shape: shape, bytes: Bytes(region)),
      labels: folder.files.map { $0.label }, path: path, classes: folder.classes)
  }

  private static func read(
    _ file: String, _ form: ImageForm, into target: UnsafeMutableBufferPointer<UInt8>
  ) throws(FormatError) {
    var (pixels, size) = try ImageFile.read(file)
    if form.channels == 1 {
      pixels = ImageScaling.luminance(pixels, count: size.width * size.height)
    }
    ImageScaling.middle(of: pixels, size, channels: form.channels, form: form, into: target)
  }
}

/// Memory of which each picture writes its own part.
private struct PixelRows: @unchecked Sendable {
  let base: UnsafeMutablePointer<UInt8>
  let stride: Int

  func row(_ i: Int) -> UnsafeMutableBufferPointer<UInt8> {
    UnsafeMutableBufferPointer(start: base + i * stride, count: stride)
  }
}
