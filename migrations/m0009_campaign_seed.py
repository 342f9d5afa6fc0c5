"""The closed list of uses, denied ones among them, and the scenarios every city begins with."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from app.kit.db.migration import sql_migration

ID = "0009"
DESCRIPTION = "scenarios and their uses"

# A benefit of a scenario that needs_without_score says what everyone gets without any score: boarding public
# transport must stay open to all, and the sentence proves that it does.
SQL = """
INSERT INTO scenario_use (code, is_denied, title_zh, title_en) VALUES
    ('care_comfort', false, '就医便利', 'convenience in medical care'),
    ('parking', false, '停车', 'parking'),
    ('borrowing', false, '借阅租借', 'borrowing and renting things'),
    ('vehicle_care', false, '车辆维修保养', 'vehicle repair and care'),
    ('travel_comfort', false, '出行便利', 'convenience in travel'),
    ('office_service', false, '政务办事便利', 'convenience in public offices'),
    ('leisure', false, '文化体育旅游消费', 'culture, sport and tourism'),
    ('finance', false, '金融服务', 'financial services'),
    ('schooling', true, '入学升学', 'access to schooling'),
    ('hiring', true, '录用招聘', 'hiring'),
    ('welfare', true, '社会救助与社保待遇', 'welfare and social insurance'),
    ('basic_care', true, '基本医疗与急救次序', 'basic care and triage'),
    ('public_entry', true, '进入公共场所与基本公共交通', 'entry to public places and basic transport');

INSERT INTO scenario (code, title_zh, title_en, use, needs_name, needs_without_score) VALUES
    ('medical', '就医', 'medical care', 'care_comfort', true, false),
    ('parking', '停车', 'parking', 'parking', false, false),
    ('library', '图书馆', 'library', 'borrowing', true, false),
    ('bike', '公共自行车', 'public bicycles', 'borrowing', false, false),
    ('rental', '便民租借', 'rental of small things', 'borrowing', false, false),
    ('garage', '机动车维修', 'garage', 'vehicle_care', false, false),
    ('office', '政务服务', 'public offices', 'office_service', true, false),
    ('transit', '公共交通', 'public transport', 'travel_comfort', false, true),
    ('scenic', '景区', 'scenic spots', 'leisure', false, false),
    ('culture', '文化演出', 'culture', 'leisure', false, false),
    ('sport', '体育健身', 'sport', 'leisure', false, false),
    ('hotel', '住宿', 'hotels', 'leisure', true, false),
    ('lending', '信贷', 'lending', 'finance', true, false);
"""


async def forwards() -> MigrationManager:
    return sql_migration(ID, DESCRIPTION, SQL)
