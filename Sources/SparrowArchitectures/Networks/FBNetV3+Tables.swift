extension FBNetV3 {
  /// A published member of the family.
  enum Member: Int, CaseIterable {
    case a, b, c, d, e, f, g
  }

  init(_ member: Member) {
    switch member {
    case .a:
      self.init(side: 224, stem: 16, stages: Self.stagesOfAAndB)
    case .b:
      self.init(side: 248, stem: 16, stages: Self.stagesOfAAndB)
    case .c:
      self.init(
        side: 248, stem: 16,
        stages: [
          Self.first(16, 2), Self.stage(5, 24, 5, then: (3, 4, 3)),
          Self.stage(5, 48, 5, then: (5, 4, 2), squeezes: true),
          Self.stage(5, 88, 4, then: (3, 4, 3), zeros: 1) + Self.middle(120, 4, 5),
          Self.last(5, 216, 5, 5, 5, zeros: 1, end: (216, 1)),
        ])
    case .d:
      self.init(
        side: 248, stem: 24,
        stages: [
          Self.first(16, 2), Self.stage(3, 24, 5, then: (3, 5, 2)),
          Self.stage(5, 40, 4, then: (3, 4, 3), squeezes: true),
          Self.stage(3, 72, 5, then: (3, 4, 3)) + Self.middle(128, 5, 6),
          Self.last(3, 208, 6, 5, 5, end: (240, 1)),
        ])
    case .e:
      self.init(
        side: 264, stem: 24,
        stages: [
          Self.first(16, 3), Self.stage(5, 24, 4, then: (5, 4, 2)),
          Self.stage(5, 48, 4, then: (5, 4, 3), squeezes: true),
          Self.stage(5, 80, 5, then: (3, 4, 3), zeros: 1) + Self.middle(128, 5, 7),
          Self.last(3, 216, 6, 5, 5, end: (240, 1)),
        ])
    case .f:
      self.init(
        side: 272, stem: 24,
        stages: [
          Self.first(24, 3), Self.stage(5, 32, 4, then: (5, 4, 2)),
          Self.stage(5, 56, 4, then: (5, 4, 3), squeezes: true),
          Self.stage(5, 88, 5, then: (3, 4, 3)) + Self.middle(144, 5, 8),
          Self.last(3, 248, 6, 6, 5, zeros: 0, end: (272, 1)),
        ])
    case .g:
      self.init(
        side: 320, stem: 32,
        stages: [
          Self.first(24, 3), Self.stage(5, 40, 4, then: (5, 4, 2)),
          Self.stage(5, 56, 4, then: (5, 4, 3), squeezes: true),
          Self.stage(5, 104, 5, then: (3, 4, 3)) + Self.middle(160, 5, 8),
          Self.last(3, 264, 6, 6, 5, end: (288, 2)),
        ])
    }
  }

  /// B is A for larger images.
  private static let stagesOfAAndB = [
    first(16, 2), stage(5, 24, 4, then: (5, 3, 2)),
    stage(5, 40, 5, then: (5, 4, 3), squeezes: true),
    stage(5, 72, 5, then: (3, 4, 3), zeros: 1) + middle(120, 5, 5),
    last(3, 184, 6, 5, 4, zeros: 0, end: (224, 1)),
  ]

  /// 3x3 blocks that do not expand.
  private static func first(_ channels: Int, _ count: Int) -> [Blocks] {
    [Blocks(kernel: 3, channels: channels, count: count, expansion: 1)]
  }

  /// A block at stride 2 of a kernel and expansion, and then kernel, count and expansion of others.
  private static func stage(
    _ kernel: Int, _ channels: Int, _ expansion: Int,
    then rest: (kernel: Int, count: Int, expansion: Int), squeezes: Bool = false, zeros: Int? = nil
  ) -> [Blocks] {
    [
      Blocks(
        kernel: kernel, channels: channels, stride: 2, expansion: expansion, squeezes: squeezes,
        zeros: zeros),
      Blocks(
        kernel: rest.kernel, channels: channels, count: rest.count, expansion: rest.expansion,
        squeezes: squeezes),
    ]
  }

  /// The wider second half of the third stage: a 3x3 block of an expansion and 5x5 ones of 3.
  private static func middle(_ channels: Int, _ expansion: Int, _ count: Int) -> [Blocks] {
    [
      Blocks(kernel: 3, channels: channels, expansion: expansion, squeezes: true),
      Blocks(kernel: 5, channels: channels, count: count, expansion: 3, squeezes: true),
    ]
  }

  /// The last stage: a block at stride 2, `count` 5x5 ones of another expansion, and 5x5 ones of
  /// expansion 6 to the last channels.
  private static func last(
    _ kernel: Int, _ channels: Int, _ expansion: Int, _ count: Int, _ rest: Int,
    zeros: Int? = nil, end: (channels: Int, count: Int)
  ) -> [Blocks] {
    stage(kernel, channels, expansion, then: (5, count, rest), squeezes: true, zeros: zeros)
      + [
        Blocks(
          kernel: 5, channels: end.channels, count: end.count, expansion: 6, squeezes: true)
      ]
  }
}
