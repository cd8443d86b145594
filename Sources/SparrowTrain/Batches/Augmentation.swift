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
  /// Images are parts of themselves, resized (bilinear) to the whole: of this fraction of the area up
  /// to all of it, the sides in a ratio from 3:4 to 4:3; 1: the whole image. (Szegedy et al., arXiv
  /// 1409.4842, section 6.)
  public var area: Double
  /// Each image is multiplied by a factor from 1 less this up to 1 more.
  public var contrast: Double

  public init(
    crop: Int = 0, flips: Bool = false, cutout: Int = 0, area: Double = 1, contrast: Double = 0
  ) {
    (self.crop, self.flips, self.cutout) = (crop, flips, cutout)
    (self.area, self.contrast) = (area, contrast)
  }

  public var isNone: Bool {
    crop == 0 && !flips && cutout == 0 && area == 1 && contrast == 0
  }

  /// What is drawn for one sample.
  struct Choice: Equatable {
    var down = 0
    var right = 0
    var isMirrored = false
    /// The centre of the square.
    var row = 0
    var column = 0
    /// The part that becomes the whole image, in pixels; nil: all of it.
    var part: Part?
    var factor: Float = 1
  }

  struct Part: Equatable {
    var top: Float
    var left: Float
    var height: Float
    var width: Float
  }

  /// Which of two changed images of one sample.
  enum View { case first, second }

  func choice(
    height: Int, width: Int, seed: UInt64, epoch: Int, sample: Int, view: View = .first
  ) -> Choice {
    var random = Draw.generator(
      view == .first ? .augmentation : .secondView, seed: seed, epoch, sample)
    var choice = Choice()
    if crop > 0 {
      choice.down = random.below(2 * crop + 1) - crop
      choice.right = random.below(2 * crop + 1) - crop
    }
    if flips { choice.isMirrored = random.next() & 1 == 1 }
    if cutout > 0 { (choice.row, choice.column) = (random.below(height), random.below(width)) }
    if area < 1 { choice.part = part(Double(height), Double(width), &random) }
    if contrast > 0 {
      choice.factor = Float(1 + contrast * (2 * random.uniform() - 1))
    }
    return choice
  }

  private func part(
    _ height: Double, _ width: Double, _ random: inout SplitMix64
  ) -> Part {
    let share = area + (1 - area) * random.uniform()
    let ratio = Math.exp(Math.log(4.0 / 3) * (2 * random.uniform() - 1))
    let rows = min(height, height * (share / ratio).squareRoot())
    let columns = min(width, width * (share * ratio).squareRoot())
    return Part(
      top: Float((height - rows) * random.uniform()),
      left: Float((width - columns) * random.uniform()),
      height: Float(rows), width: Float(columns))
  }

  /// The images of samples `rows`, changed; itself where nothing is to be changed.
  func apply(
    to images: Tensor, rows: [Int], seed: UInt64, epoch: Int, view: View = .first
  ) -> Tensor {
    guard !isNone, images.rank == 4, images.dtype == .float32, images.shape[0] == rows.count
    else { return images }
    let shape = images.shape
    let (height, width) = (shape[2], shape[3])
    let size = shape[1] * height * width
    return images.withElements(of: Float.self) { source in
      Tensor(of: Float.self, shape: shape) { target in
        for (i, sample) in rows.enumerated() {
          let choice = choice(
            height: height, width: width, seed: seed, epoch: epoch, sample: sample,
            view: view)
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
      let plane = UnsafeBufferPointer(
        rebasing: source[(line - y) * width..<(line - y + height) * width])
      let row = y - choice.down
      for x in 0..<width {
        let mirrored = choice.isMirrored ? width - 1 - x : x
        let column = mirrored - choice.right
        let isInside = (0..<height).contains(row) && (0..<width).contains(column)
        let isCut = cut.rows.contains(y) && cut.columns.contains(x)
        let value = isInside && !isCut ? pixel(plane, row, column, height, width, choice.part) : 0
        target[line * width + x] = value * choice.factor
      }
    }
  }

  /// A pixel of the plane, or of a part of it resized to the plane's size, by the four nearest.
  @inline(__always)
  private func pixel(
    _ plane: UnsafeBufferPointer<Float>, _ row: Int, _ column: Int, _ height: Int, _ width: Int,
    _ part: Part?
  ) -> Float {
    guard let part else { return plane[row * width + column] }
    let y = part.top + (Float(row) + 0.5) * part.height / Float(height) - 0.5
    let x = part.left + (Float(column) + 0.5) * part.width / Float(width) - 0.5
    let (top, left) = (max(0, min(y, Float(height - 1))), max(0, min(x, Float(width - 1))))
    let (y0, x0) = (Int(top), Int(left))
    let (y1, x1) = (min(y0 + 1, height - 1), min(x0 + 1, width - 1))
    let (down, right) = (top - Float(y0), left - Float(x0))
    let upper = plane[y0 * width + x0] * (1 - right) + plane[y0 * width + x1] * right
    let lower = plane[y1 * width + x0] * (1 - right) + plane[y1 * width + x1] * right
    return upper * (1 - down) + lower * down
  }

  func check() throws(TrainError) {
    guard crop >= 0, cutout >= 0, crop < 1 << 16, cutout < 1 << 16 else {
      throw .setting("crop is \(crop) and cutout \(cutout), expected pixels from 0")
    }
    guard area > 0, area <= 1, (0..<1).contains(contrast) else {
      throw .setting(
        "area is \(area) and contrast \(contrast), expected a fraction above 0 and one below 1")
    }
  }
}
