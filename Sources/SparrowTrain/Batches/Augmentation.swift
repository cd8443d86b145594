import SparrowCore

/// Random changes of images `[N, C, H, W]`, drawn for each sample from the seed, the epoch and the
/// sample's number: the same whatever batch or thread it is in.
public struct Augmentation: Hashable, Sendable {
  /// Images are moved by up to this many pixels along both axes; 0 comes in from outside.
  public var crop: Int
  /// Half of the images are mirrored left to right.
  public var flips: Bool
  /// The side of a square, its centre anywhere, that is set to 0; 0: none. (DeVries and Taylor, arXiv
  /// 1708.04552, section 3.)
  public var cutout: Int

  public init(crop: Int = 0, flips: Bool = false, cutout: Int = 0) {
    (self.crop, self.flips, self.cutout) = (crop, flips, cutout)
  }

  public var isNone: Bool { crop == 0 && !flips && cutout == 0 }

  /// What is drawn for one sample.
  struct Choice: Equatable {
    var down = 0
    var right = 0
    var isMirrored = false
    /// The centre of the square.
    var row = 0
    var column = 0
  }

  func choice(height: Int, width: Int, seed: UInt64, epoch: Int, sample: Int) -> Choice {
    var random = Draw.generator(.augmentation, seed: seed, epoch, sample)
    var choice = Choice()
    if crop > 0 {
      choice.down = random.below(2 * crop + 1) - crop
      choice.right = random.below(2 * crop + 1) - crop
    }
    if flips { choice.isMirrored = random.next() & 1 == 1 }
    if cutout > 0 { (choice.row, choice.column) = (random.below(height), random.below(width)) }
    return choice
  }

  /// The images of samples `rows`, changed; itself where nothing is to be changed.
  func apply(to images: Tensor, rows: [Int], seed: UInt64, epoch: Int) -> Tensor {
    guard !isNone, images.rank == 4, images.dtype == .float32, images.shape[0] == rows.count
    else { return images }
    let shape = images.shape
    let (height, width) = (shape[2], shape[3])
    let size = shape[1] * height * width
    return images.withElements(of: Float.self) { source in
      Tensor(of: Float.self, shape: shape) { target in
        for (i, sample) in rows.enumerated() {
          let choice = choice(
            height: height, width: width, seed: seed, epoch: epoch, sample: sample)
          let part = i * size..<(i + 1) * size
          write(
            UnsafeBufferPointer(rebasing: source[part]),
            UnsafeMutableBufferPointer(rebasing: target[part]), height, width, choice)
        }
      }
    }
  }

  /// One image, channel by channel.
  private func write(
    _ source: UnsafeBufferPointer<Float>, _ target: UnsafeMutableBufferPointer<Float>,
    _ height: Int, _ width: Int, _ choice: Choice
  ) {
    let (top, left) = (choice.row - cutout / 2, choice.column - cutout / 2)
    let cut = (rows: top..<top + cutout, columns: left..<left + cutout)
    for line in 0..<source.count / max(1, width) {
      let y = line % height
      let from = y - choice.down
      for x in 0..<width {
        let mirrored = choice.isMirrored ? width - 1 - x : x
        let column = mirrored - choice.right
        let isInside = (0..<height).contains(from) && (0..<width).contains(column)
        let isCut = cut.rows.contains(y) && cut.columns.contains(x)
        target[line * width + x] =
          isInside && !isCut ? source[(line - choice.down) * width + column] : 0
      }
    }
  }

  func check() throws(TrainError) {
    guard crop >= 0, cutout >= 0, crop < 1 << 16, cutout < 1 << 16 else {
      throw .setting("crop is \(crop) and cutout \(cutout), expected pixels from 0")
    }
  }
}
